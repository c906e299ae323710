using Lepton.Cli;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;
using Lepton.Cli.Tests;
using Lepton.Sync.Client;
using Lepton.Sync.Tests.World;

namespace Lepton.Compliance.Tests.Policies;

/// <summary>The command line at the desk of who holds the installation's signing key.</summary>
internal sealed class Desk : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly Session _session;

    public Desk(TestSync world, string complianceUrl, params string[] people)
    {
        Home = Directory.CreateTempSubdirectory("lepton-desk-").FullName;
        Installation installation = new(Home, Home);
        _session = new Session(installation, new Terminal(_output, _output, live: false), TimeProvider.System);
        foreach (var person in people)
            Copy(world.Installation.Tenant(person), installation.Tenant(person));
        Copy(world.Installation.Issue("signer", "spiffe://lepton.local/access", [SignedContent.KeyUsage]),
            installation.Signer);
        var instance = installation.Instance("default");
        Directory.CreateDirectory(instance.Folder);
        var platform = TestPlatform.Create(new ProcessTable().Find(Environment.ProcessId)!.Id,
            world.Installation.AuthorityFile, ("us-east", "https://127.0.0.1:1"), ("eu-west", "https://127.0.0.1:1"));
        (platform with
        {
            Regions = [platform.Regions[0] with { ComplianceUrls = [complianceUrl] }, platform.Regions[1]],
        }).Write(instance.PlatformFile);
    }

    public string Home { get; }

    /// <summary>What the last command said.</summary>
    public string Said { get; private set; } = "";

    public async Task<int> RunAsync(params string[] args)
    {
        _output.GetStringBuilder().Clear();
        var code = await CommandLine.RunAsync(_session, args);
        Said = _output.ToString();
        return code;
    }

    public string Write(string name, ReadOnlyMemory<byte> content)
    {
        var path = Path.Combine(Home, name);
        File.WriteAllBytes(path, content.ToArray());
        return path;
    }

    public void Dispose()
    {
        _output.Dispose();
        Directory.Delete(Home, recursive: true);
    }

    private static void Copy((string Certificate, string Key) from, (string Certificate, string Key) to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to.Key)!);
        File.Copy(from.Certificate, to.Certificate, overwrite: true);
        File.Copy(from.Key, to.Key, overwrite: true);
    }
}
