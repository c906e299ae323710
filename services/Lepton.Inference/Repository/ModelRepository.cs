using System.Collections.Immutable;
using System.Globalization;
using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;
using Lepton.Inference.V1;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Inference.Repository;

/// <summary>
/// The models of this node: loads and unloads them while others serve. Lookups read one immutable snapshot; changes are
/// made one after the other.
/// </summary>
internal sealed partial class ModelRepository(
    IOptions<InferenceOptions> options,
    ModelLoader loader,
    InferenceMetrics metrics,
    ILogger<ModelRepository> logger) : IDisposable
{
    private readonly InferenceOptions _options = options.Value;
    private readonly SemaphoreSlim _change = new(1, 1);
    private volatile ImmutableDictionary<string, ImmutableList<ModelVersion>> _models =
        ImmutableDictionary<string, ImmutableList<ModelVersion>>.Empty;

    /// <summary>A model's state changed: told to the agent, which tells the routers.</summary>
    public event Action? Changed;

    /// <summary>True once every model of the start was tried.</summary>
    public bool Started { get; private set; }

    /// <summary>All versions that were ever loaded or tried, by name and version.</summary>
    public IEnumerable<ModelVersion> Versions =>
        _models.OrderBy(m => m.Key, StringComparer.Ordinal).SelectMany(m => m.Value);

    /// <summary>
    /// Loads everything there is; a model that can't be loaded is listed with the reason and stops nothing.
    /// </summary>
    public async Task LoadAllAsync(CancellationToken cancellation)
    {
        metrics.Observe(() => Versions.Select(version => version.Served).OfType<ServedModel>());
        var folders = ModelFolder.List(_options.ModelDirectory);
        // All of them at once: a router holds requests for a model that is coming and refuses those for one that isn't.
        foreach (var folder in folders)
            Set(folder.Name, [LoadingOf(folder)]);
        // Pipelines last: they are made of the others.
        foreach (var folder in folders.OrderBy(IsPipeline))
        {
            try
            {
                await LoadAsync(folder.Name, configJson: null, cancellation);
            }
            catch (InferenceRefusal refusal)
            {
                NotLoaded(folder.Name, refusal.Message);
            }
        }
        Started = true;
        Changed?.Invoke();
    }

    /// <summary>The latest ready version; null when there is none.</summary>
    public ServedModel? Ready(string name) =>
        _models.GetValueOrDefault(name)?.FindLast(v => v.Served is not null)?.Served;

    /// <summary>The version asked for, or the latest ready one when none is.</summary>
    /// <exception cref="InferenceRefusal">Unknown, or not ready.</exception>
    public ServedModel Find(string name, string version)
    {
        if (!_models.TryGetValue(name, out var versions))
            throw ModelFolder.Find(_options.ModelDirectory, name) is null
                ? new InferenceRefusal(ErrorReason.ModelUnknown, $"Request for unknown model: '{name}' is not found")
                : NotReady(name, "it is not loaded");
        if (version is "")
            return versions.FindLast(v => v.Served is not null)?.Served
                ?? throw NotReady(name, versions[^1].Reason is "" ? "it is not loaded" : versions[^1].Reason);
        var found = long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? versions.Find(v => v.Identity.Version == number)
            : null;
        if (found is null)
            throw new InferenceRefusal(ErrorReason.ModelVersionUnknown,
                $"Request for unknown model: '{name}' version {version} is not found");
        return found.Served ?? throw NotReady(name, found.Reason);
    }

    /// <summary>Runs a request on the version asked for; one that is replaced meanwhile loses no request.</summary>
    public async Task<(ServedModel Model, Tensor[] Outputs)> InferAsync(string name, string version, InferenceCall call)
    {
        while (true)
        {
            var model = Find(name, version);
            try
            {
                return (model, await model.InferAsync(call));
            }
            catch (InferenceRefusal refusal) when (model.IsRetired && refusal.Reason == ErrorReason.ModelNotReady)
            {
                // Found just before it was retired, and not run: the next look finds its successor, or says why not.
            }
        }
    }

    /// <summary>Every version in the repository, loaded or not.</summary>
    public IReadOnlyList<ModelVersion> Index()
    {
        var known = Versions.ToDictionary(v => v.Identity);
        foreach (var folder in ModelFolder.List(_options.ModelDirectory))
        {
            foreach (var version in folder.Versions())
            {
                var identity = new ModelIdentity(folder.Name, version);
                known.TryAdd(identity, new ModelVersion(identity, ModelState.Unavailable, "not loaded", null, ""));
            }
        }
        return [.. known.Values.OrderBy(v => v.Identity.Name, StringComparer.Ordinal).ThenBy(v => v.Identity.Version)];
    }

    /// <summary>
    /// Loads or reloads a model. What it served until now goes on until the new one is ready, and finishes its work.
    /// </summary>
    /// <param name="name">The model.</param>
    /// <param name="configJson">Used instead of the folder's configuration; null: the folder's.</param>
    /// <param name="cancellation">Ends the wait for another change.</param>
    public async Task LoadAsync(string name, string? configJson, CancellationToken cancellation)
    {
        if (ModelFolder.Find(_options.ModelDirectory, name) is not { } folder)
            throw new InferenceRefusal(
                ErrorReason.ModelUnknown, $"failed to load '{name}': not found in the repository");
        await _change.WaitAsync(cancellation);
        try
        {
            // Opening a model takes up to seconds of computing, which the connections' threads should not do.
            await Task.Factory.StartNew(() => Load(folder, configJson), cancellation,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>
    /// Stops serving a model; work under way is finished. A model that is not loaded is unloaded already.
    /// </summary>
    public async Task UnloadAsync(string name, bool withDependents, CancellationToken cancellation)
    {
        if (!_models.ContainsKey(name) && ModelFolder.Find(_options.ModelDirectory, name) is null)
            throw new InferenceRefusal(
                ErrorReason.ModelUnknown, $"failed to unload '{name}': not found in the repository");
        await _change.WaitAsync(cancellation);
        try
        {
            var members = withDependents && _models.TryGetValue(name, out var versions)
                ? Pipelines.PipelineFactory.Members(versions[^1].Served?.Config)
                : [];
            foreach (var model in members.Prepend(name))
                await Task.Run(() => Unload(model), CancellationToken.None);
        }
        finally
        {
            _change.Release();
        }
    }

    public void Dispose() => _change.Dispose();

    private void Load(ModelFolder folder, string? configJson)
    {
        var before = _models.GetValueOrDefault(folder.Name, []);
        if (!before.Exists(v => v.Served is not null))
            Set(folder.Name, [LoadingOf(folder)]);
        var loaded = new List<ModelVersion>();
        try
        {
            var config = configJson is null ? folder.ReadConfig() : folder.ParseConfig(configJson);
            var versions = folder.Served(config);
            if (versions.Count == 0)
                throw new InferenceRefusal(
                    ErrorReason.ModelLoadFailed, $"model '{folder.Name}' has no version to serve");
            var wanted = ModelLoader.WantedProvider(config, _options);
            foreach (var version in versions)
            {
                var served = loader.Load(folder, config, version, Ready);
                loaded.Add(new(served.Identity, ModelState.Ready, "", served, wanted));
            }
        }
        catch (InferenceRefusal refusal)
        {
            loaded.ForEach(Retire);
            // A version that serves goes on serving: a bad update is no outage.
            if (!before.Exists(v => v.Served is not null))
                Set(folder.Name,
                    [new(new(folder.Name, LatestOf(folder)), ModelState.Unavailable, refusal.Message, null, "")]);
            throw;
        }
        Set(folder.Name, [.. loaded]);
        before.ForEach(Retire);
        foreach (var version in loaded)
            Loaded(folder.Name, version.Identity.Version, version.Served?.Provider ?? "");
    }

    private void Unload(string name)
    {
        if (!_models.TryGetValue(name, out var before) || before.TrueForAll(v => v.Served is null))
            return;
        Set(name, before.ConvertAll(v => v with { State = ModelState.Unloading, Reason = "unloading", Served = null }));
        before.ForEach(Retire);
        Set(name,
            before.ConvertAll(v => v with { State = ModelState.Unavailable, Reason = "unloaded", Served = null }));
        Unloaded(name);
    }

    private void Retire(ModelVersion version)
    {
        if (version.Served?.Retire(TimeSpan.FromSeconds(_options.DrainSeconds)) == false)
            StillRunning(version.Identity.Name, version.Identity.Version, _options.DrainSeconds);
    }

    private void Set(string name, ImmutableList<ModelVersion> versions)
    {
        _models = _models.SetItem(name, versions);
        Changed?.Invoke();
    }

    private static ModelVersion LoadingOf(ModelFolder folder) =>
        new(new(folder.Name, LatestOf(folder)), ModelState.Loading, "it is being loaded", null, "");

    private static long LatestOf(ModelFolder folder) => folder.Versions() is [.., var latest] ? latest : 1;

    private static bool IsPipeline(ModelFolder folder)
    {
        try
        {
            return folder.ReadConfig().Backend == Pipelines.PipelineFactory.Backend;
        }
        catch (InferenceRefusal)
        {
            return false; // its load will say what is wrong
        }
    }

    private static InferenceRefusal NotReady(string name, string why) =>
        new(ErrorReason.ModelNotReady, $"model '{name}' is not ready: {why}");

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded model {Model} version {Version} on {Provider}")]
    private partial void Loaded(string model, long version, string provider);

    [LoggerMessage(Level = LogLevel.Information, Message = "Unloaded model {Model}")]
    private partial void Unloaded(string model);

    [LoggerMessage(Level = LogLevel.Error, Message = "Model {Model} is not served: {Reason}")]
    private partial void NotLoaded(string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message =
            "Model {Model} version {Version} still ran {Seconds} s after it was retired; its session is left behind")]
    private partial void StillRunning(string model, long version, int seconds);
}
