using System.Text.RegularExpressions;

namespace Lepton.Setup.Pki;

/// <summary>Issues or renews the leaves that a topology needs: called by every <c>up</c>, so it must be
/// quick.</summary>
internal static partial class PkiCommand
{
    // The tenants of deploy/residency.json: one for trying things, the demos' three, the owner's and the operators'.
    private static readonly string[] DefaultTenants =
        ["demo", "harbour-bank", "lakeside-clinic", "lion-parcels", "platform", "apac-operations"];

    public static void Run(SetupPaths paths, string[] args, TimeProvider time)
    {
        string[] regions = [];
        var tenants = DefaultTenants;
        for (var rest = args.AsSpan(); rest.Length > 0; rest = rest[2..])
        {
            if (rest is ["--regions", var list, ..])
                regions = Names(list);
            else if (rest is ["--tenants", var others, ..])
                tenants = Names(others);
            else
                throw new SetupException("pki takes --regions REGION,... and --tenants TENANT,...");
        }
        if (regions.Length == 0)
            throw new SetupException("pki needs --regions REGION,...");
        using var exclusive = Lock(paths);
        var issued = Issue(paths.Pki, regions, tenants, time);
        if (issued > 0)
            Console.WriteLine($"set-up: {issued} certificates issued for {string.Join(", ", regions)}");
        IdentityFiles.Ensure(paths.Pki);
        SyncFiles.Ensure(paths.Pki, regions);
        ComplianceFiles.Ensure(paths.Pki, regions);
        SignAccess(paths);
    }

    /// <summary>
    /// Makes the authority where there is none, and renews the leaves that were ever issued here: running services and
    /// clients look at their files again. Called by every set-up.
    /// </summary>
    public static void Renew(SetupPaths paths, TimeProvider time)
    {
        using var exclusive = Lock(paths);
        bool isNew;
        using (var authority = CertificateAuthority.LoadOrCreate(paths.Pki, time))
            isNew = authority.IsNew;
        if (isNew)
            Console.WriteLine("set-up: certificate authority of this installation made");
        var renewed = Renew(paths.Pki, time);
        if (renewed > 0)
            Console.WriteLine($"set-up: {renewed} certificates renewed; what runs takes them by itself");
        if (Directory.Exists(Path.Combine(paths.Pki, AccessSigner.Folder)))
            SignAccess(paths);
    }

    private static void SignAccess(SetupPaths paths)
    {
        if (AccessSigner.Sign(Path.Combine(paths.Root, "deploy", "access.json"), paths.Pki))
            Console.WriteLine("set-up: roles and tenants of deploy/access.json signed; what runs takes them by itself");
    }

    internal static int Renew(string directory, TimeProvider time) => Issue(
        directory, Folders(Path.Combine(directory, "services")), Folders(Path.Combine(directory, "clients")), time);

    public static int Issue(
        string directory, IReadOnlyCollection<string> regions, IEnumerable<string> tenants, TimeProvider time)
    {
        using var authority = CertificateAuthority.LoadOrCreate(directory, time);
        var issued = 0;
        void Ensure(LeafCertificate leaf, string folder, string name)
        {
            if (authority.Ensure(leaf, new PemPair(Path.Combine(directory, folder), name)))
                issued++;
        }
        if (regions.Count > 0)
        {
            PemPair.CreateDirectory(Path.Combine(directory, AccessSigner.Folder));
            Ensure(LeafCertificate.AccessSigner(), AccessSigner.Folder, AccessSigner.Name);
        }
        PemPair.CreateDirectory(Path.Combine(directory, "services"));
        PemPair.CreateDirectory(Path.Combine(directory, "clients"));
        foreach (var region in regions)
        {
            PemPair.CreateDirectory(Path.Combine(directory, "services", region));
            foreach (var service in (string[])["routing", "inference", "identity", "sync", "compliance"])
                Ensure(LeafCertificate.Service(region, service), $"services/{region}/{service}", "tls");
            Ensure(LeafCertificate.HopSigner(region), $"services/{region}/routing", "hop");
            Ensure(LeafCertificate.RoleSigner(region), $"services/{region}/compliance", "roles");
            Ensure(LeafCertificate.TreeHeadSigner(region), $"services/{region}/compliance", "audit");
        }
        foreach (var tenant in tenants)
            Ensure(LeafCertificate.Tenant(tenant), $"clients/{tenant}", "tls");
        return issued;
    }

    private static FileStream Lock(SetupPaths paths) => FileLock.AcquireAsync(
        Path.Combine(paths.Home, "pki.lock"), () => { }, CancellationToken.None).GetAwaiter().GetResult();

    private static string[] Folders(string of) => !Directory.Exists(of) ? []
        : [.. Directory.EnumerateDirectories(of).Select(folder => Path.GetFileName(folder))
            .Where(name => NamePattern.IsMatch(name)).Order(StringComparer.Ordinal)];

    private static string[] Names(string list)
    {
        var names = list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return names.FirstOrDefault(name => !NamePattern.IsMatch(name)) is { } wrong
            ? throw new SetupException(
                $"\"{wrong}\" is no name: 2 to 31 lower-case letters, digits and hyphens, a letter first.")
            : names;
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{1,30}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern { get; }
}
