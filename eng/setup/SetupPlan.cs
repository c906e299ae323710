using System.Diagnostics;
using Lepton.Setup.Feed;
using Lepton.Setup.Models;
using Lepton.Setup.Npm;
using Lepton.Setup.Outputs;
using Lepton.Setup.Pki;
using Lepton.Setup.Samples;

namespace Lepton.Setup;

/// <summary>Everything that set-up makes, in order; what is current already is skipped without a word.</summary>
internal sealed class SetupPlan
{
    private readonly SetupPaths paths;
    private readonly bool gpuWanted;
    private readonly CancellationToken cancellation;

    private SetupPlan(SetupPaths paths, bool gpuWanted, CancellationToken cancellation)
    {
        this.paths = paths;
        this.gpuWanted = gpuWanted;
        this.cancellation = cancellation;
    }

    public static async Task RunAsync(SetupPaths paths, bool gpuWanted, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux() || System.Runtime.InteropServices.RuntimeInformation.OSArchitecture
            != System.Runtime.InteropServices.Architecture.X64)
            throw new SetupException("The pinned programs and libraries are for Linux on x86-64 only.");
        using var exclusive = await FileLock.AcquireAsync(
            Path.Combine(paths.Home, "setup.lock"),
            () => Console.Error.WriteLine("set-up: another set-up is running here; waiting for it."),
            cancellation);
        var plan = new SetupPlan(paths, gpuWanted, cancellation);
        await plan.MakeToolsAsync();
        await plan.MakeModelsAsync();
        await plan.MakeSamplesAsync();
        await plan.MakeFeedAsync();
        PkiCommand.Renew(paths, TimeProvider.System);
    }

    private async Task MakeToolsAsync()
    {
        await MakeFromNpmAsync(paths.NpmProject, "npm packages (450 MB)", NpmCatalog.Outputs(paths));
        var gpu = NpmCatalog.GpuOutput(paths);
        if (!gpuWanted && !Directory.Exists(gpu.Directory.Path) && !GpuPresence.IsLikely())
            return;
        await MakeFromNpmAsync(paths.GpuNpmProject, "npm package of the CUDA provider (200 MB)", [gpu]);
        foreach (var provider in Directory.EnumerateFiles(gpu.Directory.Path, "*.so"))
        {
            var link = Path.Combine(paths.Native, "onnxruntime", Path.GetFileName(provider));
            if (!File.Exists(link))
                File.CreateSymbolicLink(link, Path.Combine("..", "onnxruntime-cuda", Path.GetFileName(provider)));
        }
    }

    private async Task MakeFromNpmAsync(string project, string what, IReadOnlyList<NpmOutput> outputs)
    {
        var stale = outputs.Where(output => !output.Directory.IsCurrent()).ToList();
        if (stale.Count == 0)
            return;
        using var install = await StepAsync(what, () => NpmInstall.RunAsync(
            project, Path.Combine(paths.Npm, ".install"), cancellation));
        foreach (var output in stale)
            await StepAsync(output.Name, () => output.Directory.ReplaceAsync(
                target => output.Fill(install, target, cancellation)));
    }

    private async Task MakeModelsAsync()
    {
        var modules = Path.Combine(paths.Npm, "node_modules");
        // The models are made by this program's code: another build of it may make others.
        var inputs = InputHash.Of(
            await File.ReadAllTextAsync(Path.Combine(modules, ".stamp"), cancellation),
            typeof(ModelRepository).Module.ModuleVersionId.ToString());
        var stamp = Path.Combine(paths.Models, ".stamp");
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp, cancellation) == inputs)
            return;
        // The folder is not replaced: a user's own models may lie in it.
        await StepAsync("model repository", () => Task.Run(() => ModelRepository.Prepare(modules, paths.Models)));
        await File.WriteAllTextAsync(stamp, inputs, cancellation);
    }

    private async Task MakeSamplesAsync()
    {
        var samples = new OutputDirectory(paths.Samples, DemoDrawings.Inputs(paths));
        if (!samples.IsCurrent())
            await StepAsync("the demos' documents", () => samples.ReplaceAsync(target =>
            {
                DemoDrawings.Draw(paths, target);
                return Task.CompletedTask;
            }));
    }

    private async Task MakeFeedAsync()
    {
        var feed = new LocalFeed(paths);
        if (!feed.IsCurrent())
            await StepAsync("NuGet packages that your sources lack",
                async () => Console.Write($" {await feed.BuildAsync(cancellation)} packed,"));
    }

    private static async Task StepAsync(string name, Func<Task> work) => await StepAsync(name, async () =>
    {
        await work();
        return true;
    });

    private static async Task<T> StepAsync<T>(string name, Func<Task<T>> work)
    {
        var started = Stopwatch.GetTimestamp();
        Console.Write($"set-up: {name} ...");
        try
        {
            var result = await work();
            Console.WriteLine($" {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");
            return result;
        }
        catch
        {
            Console.WriteLine(" failed");
            throw;
        }
    }
}
