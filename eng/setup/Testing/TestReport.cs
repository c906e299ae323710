using System.Globalization;
using System.Xml.Linq;

namespace Lepton.Setup.Testing;

/// <summary>What one test project's run came to.</summary>
/// <param name="Skipped">Each skipped test with its reason.</param>
internal sealed record TestReport(int Passed, int Failed, IReadOnlyList<string> Skipped)
{
    private static readonly XNamespace Schema = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

    public int Total => Passed + Failed + Skipped.Count;

    /// <summary>Reads a .trx file. Its own count of skipped tests is always 0, so they are counted by their
    /// outcome.</summary>
    public static TestReport Read(string trx)
    {
        var run = XDocument.Load(trx).Root ?? throw new SetupException($"{trx} is empty.");
        var counters = run.Descendants(Schema + "Counters").Single();
        int Count(string name) => int.Parse(counters.Attribute(name)?.Value ?? "0", CultureInfo.InvariantCulture);
        var skipped = run.Descendants(Schema + "UnitTestResult")
            .Where(result => result.Attribute("outcome")?.Value == "NotExecuted")
            .Select(result => $"{result.Attribute("testName")?.Value}: {Reason(result)}");
        // Whatever ran and did not pass failed: error, timeout, aborted and so on have counters of their own.
        return new TestReport(Count("passed"), Count("executed") - Count("passed"),
            [.. skipped.Order(StringComparer.Ordinal)]);
    }

    private static string Reason(XElement result) =>
        result.Descendants(Schema + "Message").Concat(result.Descendants(Schema + "StdOut"))
            .Select(text => text.Value.Trim()).FirstOrDefault(text => text.Length > 0) ?? "no reason given";
}
