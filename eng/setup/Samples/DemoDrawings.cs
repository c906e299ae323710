using System.Security.Cryptography;
using Lepton.Setup.Outputs;

namespace Lepton.Setup.Samples;

/// <summary>
/// The documents that <c>./lepton demo</c> sends, drawn from eng/samples/demo/*.svg. Library and font are pinned and
/// the machine's own fonts are not looked at: the same PNG bytes everywhere.
/// </summary>
internal static class DemoDrawings
{
    /// <summary>What the drawings depend on, for their stamp.</summary>
    public static string Inputs(SetupPaths paths) => InputHash.Of(
    [
        File.ReadAllText(Path.Combine(paths.Fonts, ".stamp")),
        File.ReadAllText(Path.Combine(paths.Native, "vips", ".stamp")),
        SvgRenderer.PngOptions,
        .. Sources(paths).Select(file =>
            $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"),
    ]);

    public static void Draw(SetupPaths paths, string target)
    {
        var sources = Sources(paths).ToList();
        if (sources.Count == 0)
            throw new SetupException($"{paths.Drawings} holds no drawing.");
        // This font and no other; fontconfig's index is of no use later.
        var index = Directory.CreateDirectory(Path.Combine(target, ".fonts")).FullName;
        var configuration = Path.Combine(index, "fonts.conf");
        File.WriteAllText(configuration,
            $"<fontconfig><dir>{paths.Fonts}</dir><cachedir>{index}</cachedir></fontconfig>");
        SvgRenderer.Start(Path.Combine(paths.Native, "vips", "libvips-cpp.so"), configuration);
        foreach (var source in sources)
            SvgRenderer.Render(
                source, Path.Combine(target, Path.ChangeExtension(Path.GetFileName(source), ".png")));
        Directory.Delete(index, recursive: true);
    }

    private static IEnumerable<string> Sources(SetupPaths paths) =>
        Directory.EnumerateFiles(paths.Drawings, "*.svg").Order(StringComparer.Ordinal);
}
