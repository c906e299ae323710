using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Cli.Commands.Policies;

/// <summary>A policy's file, as commands read it.</summary>
internal static class PolicyFile
{
    /// <summary>Its document, the regimes that it names in it.</summary>
    public static ReadOnlyMemory<byte> Bundle(string path)
    {
        try
        {
            return PolicyBundle.Load(path);
        }
        catch (ResidencyPolicyException e)
        {
            throw new CommandFailure(ExitCode.Usage, $"{path}: {e.Message}");
        }
    }

    /// <summary>Its policy; <c>*</c> is every region that it names.</summary>
    public static ResidencyPolicy Read(string path, TimeProvider time)
    {
        PolicyReport report = PolicyCheck.Run(Bundle(path), Regions(path, time), time);
        return report.Policy ?? throw new CommandFailure(ExitCode.Failed, $"{path}: {report.Problems[0].Message}");
    }

    /// <summary>The regions that it names.</summary>
    public static IReadOnlyList<string> Regions(string path, TimeProvider time)
    {
        try
        {
            ResidencyPolicy policy = ResidencyPolicy.Parse(Bundle(path), ["here"], time);
            return [.. policy.Regions.Union(policy.Law?.Regions.Keys ?? []).Where(r => r != "here").Order()];
        }
        catch (ResidencyPolicyException)
        {
            return ["here"]; // the check says what is wrong
        }
    }
}
