using System.Globalization;
using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Benchmarks.Gateway;

/// <summary>The files of one run, in one folder that is handed to every process.</summary>
/// <param name="Folder">A test installation's folder.</param>
internal sealed record BenchFiles(string Folder)
{
    public string Certificate => Path.Combine(Folder, $"service-{Settings.Region}-routing.crt");

    public string Key => Path.Combine(Folder, $"service-{Settings.Region}-routing.key");

    public string Policy => Path.Combine(Folder, "residency.json");

    /// <summary>Certificate and key in one file, as HAProxy takes them.</summary>
    public string Pem => Path.Combine(Folder, "front.pem");

    public string Request => Path.Combine(Folder, "request.bin");

    /// <summary>Makes them.</summary>
    public static BenchFiles Make(TestInstallation installation)
    {
        BenchFiles files = new(installation.Directory);
        installation.Service(Settings.Region, "routing");
        installation.Service(Settings.Region, "inference");
        installation.HopSigning(Settings.Region);
        File.WriteAllText(files.Pem, File.ReadAllText(files.Certificate) + "\n" + File.ReadAllText(files.Key));
        File.WriteAllBytes(files.Request, Settings.RequestFrame());
        string tenants = string.Join(", ", Enumerable.Range(0, Settings.TokenCount)
            .Select(i => $"\"{Settings.Tenant(i)}\": {{ \"floor\": \"public\" }}"));
        File.WriteAllText(files.Policy, $$"""
            {
              "version": 1,
              "dataClasses": {
                "public": { "regions": ["*"] },
                "eu-personal": { "regions": ["eu-west"], "regulated": true }
              },
              "tenants": { {{tenants}} },
              "models": { "default": { "floor": "public" } }
            }
            """);
        return files;
    }

    public TlsOptions Tls(string service) => new()
    {
        CertificateFile = Path.Combine(Folder, $"service-{Settings.Region}-{service}.crt"),
        KeyFile = Path.Combine(Folder, $"service-{Settings.Region}-{service}.key"),
        AuthorityFile = Path.Combine(Folder, "ca.crt"),
    };

    /// <summary>What a router is told, as in deployment; it starts with a fresh decision log.</summary>
    public Dictionary<string, string?> Router()
    {
        TlsOptions tls = Tls("routing");
        return new Dictionary<string, string?>
        {
            ["Lepton:Region"] = Settings.Region,
            ["Lepton:Zone"] = "a",
            ["Lepton:Tls:CertificateFile"] = tls.CertificateFile,
            ["Lepton:Tls:KeyFile"] = tls.KeyFile,
            ["Lepton:Tls:AuthorityFile"] = tls.AuthorityFile,
            ["Lepton:PolicyFile"] = Policy,
            ["Lepton:Intrusion:RulesFile"] = MetricList.RepositoryFile("deploy/intrusion.json"),
            ["Lepton:AccessFile"] = Path.Combine(Folder, "access.jws"),
            ["Audit:SpoolDirectory"] = Path.Combine(Folder, "audit"),
            ["Routing:HopCertificateFile"] = Path.Combine(Folder, $"hop-{Settings.Region}.crt"),
            ["Routing:HopKeyFile"] = Path.Combine(Folder, $"hop-{Settings.Region}.key"),
            ["Routing:DecisionDirectory"] = Path.Combine(Folder, "decisions"),
            // As patient as the proxies beside it, which refuse nobody: a stall shows in p99 and not as refused calls.
            ["Routing:Limits:WaitMax"] = "00:01:00",
            ["Routing:Regions:0:Name"] = Settings.Region,
            ["Routing:Regions:0:Url"] = "https://127.0.0.1:1",
        };
    }

    /// <summary>One of the configurations beside this file, with this run's ports and paths.</summary>
    public string Configure(string template, int h2c, int tls, int node)
    {
        using Stream source = typeof(BenchFiles).Assembly.GetManifestResourceStream(template)
            ?? throw new InvalidOperationException($"{template} is not embedded");
        using StreamReader reader = new(source);
        string text = reader.ReadToEnd()
            .Replace("@H2C@", h2c.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("@TLS@", tls.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("@NODE@", node.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("@PEM@", Pem, StringComparison.Ordinal)
            .Replace("@CERTIFICATE@", Certificate, StringComparison.Ordinal)
            .Replace("@KEY@", Key, StringComparison.Ordinal)
            .Replace("@FOLDER@", Folder, StringComparison.Ordinal);
        string path = Path.Combine(Folder, template);
        File.WriteAllText(path, text);
        return path;
    }
}
