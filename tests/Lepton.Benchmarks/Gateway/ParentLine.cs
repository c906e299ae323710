using System.Runtime;

namespace Lepton.Benchmarks.Gateway;

/// <summary>What our own processes of the bench have alike: they answer their parent, and end with it.</summary>
internal static class ParentLine
{
    public const string Compiled = "compiled";

    /// <summary>Until the parent's end of the line is closed.</summary>
    /// <param name="count">What is answered to an empty line.</param>
    public static async Task AnswerAsync(Func<long> count)
    {
        while (await Console.In.ReadLineAsync() is { } line)
            Console.WriteLine(line == Compiled ? (long)JitInfo.GetCompilationTime().TotalMilliseconds : count());
    }
}
