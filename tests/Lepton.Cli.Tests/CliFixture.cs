using Lepton.Cli.Output;
using Lepton.Cli.Platform;
using Lepton.Testing;

namespace Lepton.Cli.Tests;

/// <summary>The CLI over a temporary installation, with what it wrote kept for the test to read.</summary>
internal sealed class CliFixture : IDisposable
{
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();

    public CliFixture(TimeProvider? time = null)
    {
        Pki = new TestInstallation();
        Home = Directory.CreateTempSubdirectory("lepton-cli-").FullName;
        Installation = new Installation(Home, Home);
        Session = new Session(Installation, new Terminal(output, error, live: false), time ?? TimeProvider.System);
    }

    public TestInstallation Pki { get; }

    public string Home { get; }

    public Installation Installation { get; }

    public Session Session { get; }

    public string Output => output.ToString();

    public string Error => error.ToString();

    public async Task<int> RunAsync(params string[] args) => await CommandLine.RunAsync(Session, args);

    /// <summary>Makes the CLI believe that a platform with these gateways runs; this process is its app host.</summary>
    public PlatformFile WritePlatform(params (string Region, string Url)[] gateways)
    {
        ShowTenant("demo");
        Instance instance = Installation.Instance("default");
        Directory.CreateDirectory(instance.Folder);
        PlatformFile platform = TestPlatform.Create(
            new ProcessTable().Find(Environment.ProcessId)!.Id, Pki.AuthorityFile, gateways);
        platform.Write(instance.PlatformFile);
        return platform;
    }

    /// <summary>Puts a tenant's certificate where set-up puts it.</summary>
    public void ShowTenant(string tenant)
    {
        (string certificate, string key) = Pki.Tenant(tenant);
        (string toCertificate, string toKey) = Installation.Tenant(tenant);
        Directory.CreateDirectory(Path.GetDirectoryName(toCertificate)!);
        File.Copy(certificate, toCertificate, overwrite: true);
        File.Copy(key, toKey, overwrite: true);
    }

    public void Dispose()
    {
        Pki.Dispose();
        Directory.Delete(Home, recursive: true);
    }
}
