using Lepton.Setup.Pki;
using Lepton.Setup.Testing;

namespace Lepton.Setup;

/// <summary>
/// The words of this program: <c>setup [--gpu]</c> brings everything that building and running needs;
/// <c>pki --regions a,b [--tenants t]</c> issues or renews the leaf certificates of a topology;
/// <c>test [--all] [project...]</c> runs built tests.
/// </summary>
internal static class SetupCommand
{
    private const string Usage = """
        usage: Lepton.Setup setup [--gpu]
               Lepton.Setup pki --regions REGION,... [--tenants TENANT,...]
               Lepton.Setup test [--all] [PROJECT...]
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, key) =>
        {
            key.Cancel = true;
            stop.Cancel();
        };
        try
        {
            switch (args)
            {
                case ["setup", .. var rest] when rest.All(word => word == "--gpu"):
                    await SetupPlan.RunAsync(SetupPaths.FromEnvironment(), rest.Length > 0, stop.Token);
                    return 0;
                case ["pki", .. var rest]:
                    PkiCommand.Run(SetupPaths.FromEnvironment(), rest, TimeProvider.System);
                    return 0;
                case ["test", .. var rest]:
                    return await TestCommand.RunAsync(SetupPaths.FromEnvironment(), rest, stop.Token);
                default:
                    await Console.Error.WriteLineAsync(Usage);
                    return 2;
            }
        }
        catch (SetupException exception)
        {
            await Console.Error.WriteLineAsync($"set-up: {exception.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("set-up: interrupted; the next run continues.");
            return 130;
        }
    }
}
