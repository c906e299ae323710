using System.Globalization;
using Grpc.Core;
using Lepton.Inference.Execution;
using Lepton.Inference.Repository;
using Lepton.Inference.Tensors;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Inference.Serving;

/// <summary>The server and its models: what they are, and loading and unloading them.</summary>
internal sealed partial class InferenceService
{
    private const string ConfigParameter = "config";
    private const string DependentsParameter = "unload_dependents";

    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = repository.Started && !draining.IsOn });

    public override Task<ServerMetadataResponse> ServerMetadata(
        ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerMetadataResponse
        {
            Name = "lepton",
            Version = typeof(InferenceService).Assembly.GetName().Version?.ToString() ?? "",
            Extensions =
            {
                "model_repository", "model_repository(unload_dependents)", "model_configuration", "parameters",
                "statistics",
            },
        });

    /// <summary>An unknown model is not ready, and no error, as in Triton.</summary>
    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
    {
        try
        {
            var ready = repository.Find(request.Name, request.Version).IsReady;
            return Task.FromResult(new ModelReadyResponse { Ready = ready });
        }
        catch (InferenceRefusal)
        {
            return Task.FromResult(new ModelReadyResponse { Ready = false });
        }
    }

    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
    {
        var model = Find(request.Name, request.Version);
        return Task.FromResult(new ModelMetadataResponse
        {
            Name = model.Identity.Name,
            Versions =
            {
                repository.Versions.Where(v => v.Identity.Name == request.Name && v.Served is not null)
                    .Select(v => Text(v.Identity.Version)),
            },
            Platform = model.Config.Platform,
            Inputs = { model.Inputs.Select(Metadata) },
            Outputs = { model.Outputs.Select(Metadata) },
            Properties = { ["provider"] = model.Provider },
        });
    }

    public override Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context) =>
        Task.FromResult(new ModelConfigResponse { Config = Find(request.Name, request.Version).Config });

    public override Task<ModelStatisticsResponse> ModelStatistics(
        ModelStatisticsRequest request, ServerCallContext context)
    {
        var models = request.Name is ""
            ? repository.Versions.Select(v => v.Served).OfType<ServedModel>()
            : request.Version is ""
                ? AllOf(request.Name)
                : [Find(request.Name, request.Version)];
        return Task.FromResult(new ModelStatisticsResponse { ModelStats = { models.Select(StatisticsMessages.Of) } });
    }

    public override Task<RepositoryIndexResponse> RepositoryIndex(
        RepositoryIndexRequest request, ServerCallContext context)
    {
        OneRepository(request.RepositoryName);
        var response = new RepositoryIndexResponse();
        foreach (var version in repository.Index())
        {
            if (request.Ready && version.State != ModelState.Ready)
                continue;
            response.Models.Add(new RepositoryIndexResponse.Types.ModelIndex
            {
                Name = version.Identity.Name,
                Version = Text(version.Identity.Version),
                State = version.State.ToString().ToUpperInvariant(),
                Reason = version.Reason,
            });
        }
        return Task.FromResult(response);
    }

    public override async Task<RepositoryModelLoadResponse> RepositoryModelLoad(
        RepositoryModelLoadRequest request, ServerCallContext context)
    {
        OneRepository(request.RepositoryName);
        ForOneModel(context, request.ModelName);
        var file = request.Parameters.Keys.FirstOrDefault(key => key.StartsWith("file:", StringComparison.Ordinal));
        if (file is not null)
            throw InferenceErrors.NotOffered($"Parameter '{file}'", "weights come from the node's repository only");
        var config = request.Parameters.TryGetValue(ConfigParameter, out var parameter) ? parameter.StringParam : null;
        try
        {
            await repository.LoadAsync(request.ModelName, config, context.CancellationToken);
            return new RepositoryModelLoadResponse();
        }
        catch (InferenceRefusal refusal)
        {
            throw refusal.ToRpc();
        }
    }

    public override async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(
        RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        OneRepository(request.RepositoryName);
        ForOneModel(context, request.ModelName);
        var dependents = request.Parameters.TryGetValue(DependentsParameter, out var parameter) && parameter.BoolParam;
        try
        {
            await repository.UnloadAsync(request.ModelName, dependents, context.CancellationToken);
            return new RepositoryModelUnloadResponse();
        }
        catch (InferenceRefusal refusal)
        {
            throw refusal.ToRpc();
        }
    }

    private ServedModel Find(string name, string version)
    {
        try
        {
            return repository.Find(name, version);
        }
        catch (InferenceRefusal refusal)
        {
            throw refusal.ToRpc();
        }
    }

    private IEnumerable<ServedModel> AllOf(string name)
    {
        Find(name, "");
        return repository.Versions.Where(v => v.Identity.Name == name).Select(v => v.Served).OfType<ServedModel>();
    }

    private static void OneRepository(string name)
    {
        if (name is not "")
            throw RpcErrors.FieldInvalid("repository_name", "takes the empty name: a node has one repository");
    }

    private static ModelMetadataResponse.Types.TensorMetadata Metadata(TensorSpec spec) =>
        new() { Name = spec.Name, Datatype = spec.Type.Name, Shape = { spec.Shape } };

    private static string Text(long version) => version.ToString(CultureInfo.InvariantCulture);
}
