using System.Text.Json;

namespace Lepton.Setup.Npm;

/// <summary>The hashes of an npm lock file: what a package of the pinned version must hold.</summary>
internal sealed class NpmLock
{
    private readonly Dictionary<string, string> integrityByPackage = [];

    public NpmLock(string project)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(project, "package-lock.json")));
        foreach (var entry in json.RootElement.GetProperty("packages").EnumerateObject())
        {
            if (entry.Value.TryGetProperty("integrity", out var integrity))
                integrityByPackage[entry.Name["node_modules/".Length..]] = integrity.GetString() ?? "";
        }
    }

    public string Integrity(string package) => integrityByPackage.TryGetValue(package, out var integrity)
        ? integrity
        : throw new SetupException($"eng/npm/package-lock.json does not pin {package}.");
}
