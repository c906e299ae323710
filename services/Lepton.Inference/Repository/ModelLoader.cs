using Lepton.Inference.Execution;
using Lepton.Inference.Pipelines;
using Lepton.Inference.Tensors;
using Lepton.Inference.V1;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Inference.Repository;

/// <summary>Makes a served model of a folder's version: opens it, completes its configuration, warms it up.</summary>
internal sealed partial class ModelLoader(
    IOptions<InferenceOptions> options,
    SessionFactory sessions,
    PipelineFactory pipelines,
    IEnumerable<IModelBackend> backends,
    ExecutionServices services,
    ILogger<ModelLoader> logger)
{
    private readonly InferenceOptions _options = options.Value;

    /// <param name="folder">The model's folder.</param>
    /// <param name="config">Its configuration, or the one given with the load.</param>
    /// <param name="version">Which version.</param>
    /// <param name="members">How a pipeline finds the models it is made of.</param>
    public ServedModel Load(ModelFolder folder, ModelConfig config, long version, Func<string, ServedModel?> members)
    {
        var wanted = WantedProvider(config, _options);
        Idempotency.Of(config);
        var model = config.Backend == PipelineFactory.Backend
            ? pipelines.Create(folder, config, version, members)
            : backends.FirstOrDefault(b => b.Name == config.Backend) is { } backend
            ? backend.Open(folder, config, version)
            : sessions.Open(folder.ModelFile(config, version), _options.Provider == "cpu" ? "cpu" : wanted);
        try
        {
            if (wanted == "cuda" && model.Provider != "cuda")
            {
                services.Metrics.FellBack(folder.Name);
                FellBack(folder.Name, version);
            }
            var complete = Complete(config, model);
            CheckAgainst(complete, config);
            if (_options.WarmUp)
                WarmUp.Run(model, services.Time);
            return new ServedModel(new(folder.Name, version), complete, model, SizingOf(config), services);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>
    /// KIND_GPU wants CUDA (and gets it, unless the node's option is <c>cpu</c>), KIND_CPU the CPU; else the option
    /// decides.
    /// </summary>
    public static string WantedProvider(ModelConfig config, InferenceOptions options) =>
        config.Backend == PipelineFactory.Backend ? "cpu" : config.InstanceGroup.FirstOrDefault()?.Kind switch
        {
            ModelInstanceGroup.Types.Kind.Gpu => "cuda",
            ModelInstanceGroup.Types.Kind.Cpu => "cpu",
            _ => options.Provider,
        };

    private Sizing SizingOf(ModelConfig config)
    {
        var count = config.InstanceGroup.FirstOrDefault()?.Count ?? 0;
        var queue = config.DynamicBatching?.DefaultQueuePolicy?.MaxQueueSize ?? 0;
        return new Sizing(
            count > 0 ? Math.Min(count, 64) : _options.InstanceCount,
            queue > 0 ? (int)Math.Min(queue, 100_000) : _options.QueueMax);
    }

    /// <summary>
    /// The configuration as ModelConfig answers it: with the inputs and outputs that the model itself names.
    /// </summary>
    private static ModelConfig Complete(ModelConfig config, IModel model)
    {
        var complete = config.Clone();
        complete.Input.Clear();
        complete.Output.Clear();
        // With a batch limit the first dimension is the batch and not part of dims, as Triton has it.
        var skip = config.MaxBatchSize > 0 ? 1 : 0;
        complete.Input.AddRange(model.Inputs.Select(spec =>
            new ModelInput { Name = spec.Name, DataType = spec.Type.Config, Dims = { spec.Shape.Skip(skip) } }));
        complete.Output.AddRange(model.Outputs.Select(spec =>
            new ModelOutput { Name = spec.Name, DataType = spec.Type.Config, Dims = { spec.Shape.Skip(skip) } }));
        if (complete.Backend is "")
            complete.Backend = "onnxruntime";
        if (complete.Platform is "")
            complete.Platform = "onnxruntime_onnx";
        return complete;
    }

    /// <summary>What the configuration says of inputs and outputs must be true of the model.</summary>
    private static void CheckAgainst(ModelConfig model, ModelConfig config)
    {
        foreach (var input in config.Input)
        {
            var real = model.Input.FirstOrDefault(i => i.Name == input.Name);
            Check(input.Name, input.DataType, input.Dims, real?.DataType, real?.Dims);
        }
        foreach (var output in config.Output)
        {
            var real = model.Output.FirstOrDefault(o => o.Name == output.Name);
            Check(output.Name, output.DataType, output.Dims, real?.DataType, real?.Dims);
        }

        void Check(string name, DataType type, IList<long> dims, DataType? realType, IList<long>? realDims)
        {
            if (realType == type && realDims is not null && dims.Count == realDims.Count
                && dims.Zip(realDims).All(d => d.First < 0 || d.Second < 0 || d.First == d.Second))
                return;
            throw new InferenceRefusal(
                ErrorReason.ModelLoadFailed, $"model '{config.Name}' can't be loaded: its configuration "
                + $"gives '{name}' as {type} {TensorShape.Text(dims)}, the model has "
                + (realType is null ? "no such tensor" : $"{realType} {TensorShape.Text(realDims ?? [])}"));
        }
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Model {Model} version {Version} asks for CUDA and runs on the CPU: CUDA is not usable on this node")]
    private partial void FellBack(string model, long version);
}
