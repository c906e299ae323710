using Lepton.Inference.V1;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Lepton.Inference.Execution;

/// <summary>Opens ONNX models on CUDA when wanted and usable, else on the CPU, and says which.</summary>
internal sealed partial class SessionFactory(IOptions<InferenceOptions> options, ILogger<SessionFactory> logger)
{
    private const string Cuda = "cuda";
    private const string Cpu = "cpu";

    static SessionFactory()
    {
        // Failures come as exceptions and are logged here; the runtime's own log would repeat them on stderr.
        var environment =
            new EnvironmentCreationOptions { logId = "lepton", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        if (!OrtEnv.IsCreated)
            OrtEnv.CreateInstanceWithOptions(ref environment);
    }

    /// <summary>
    /// Why CUDA is not usable in this process; once known, models that leave the choice open don't try again.
    /// </summary>
    private string? _cudaUnusable;

    /// <param name="path">The model file.</param>
    /// <param name="wanted"><c>cuda</c>, <c>cpu</c> or <c>auto</c>.</param>
    public OrtModel Open(string path, string wanted)
    {
        if (wanted == Cpu || (wanted == "auto" && _cudaUnusable is not null))
            return OpenCpu(path);
        // CUDA can fail in two places: when the provider's libraries are loaded, and when the session finds no device.
        try
        {
            return Open(path, Cuda, session => session.AppendExecutionProvider_CUDA());
        }
        catch (Exception error) when (
            error is OnnxRuntimeException or EntryPointNotFoundException or DllNotFoundException)
        {
            _cudaUnusable = FirstLine(error.Message);
            CudaUnusable(_cudaUnusable);
        }
        // When the model itself is at fault, this says so.
        return OpenCpu(path);
    }

    private OrtModel OpenCpu(string path)
    {
        try
        {
            return Open(path, Cpu, static _ => { });
        }
        catch (OnnxRuntimeException error)
        {
            throw new InferenceRefusal(
                ErrorReason.ModelLoadFailed, $"ONNX Runtime can't open it: {FirstLine(error.Message)}", inner: error);
        }
    }

    private OrtModel Open(string path, string provider, Action<SessionOptions> configure)
    {
        using var session = new SessionOptions
        {
            IntraOpNumThreads = options.Value.IntraOpThreads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        configure(session);
        return new OrtModel(new InferenceSession(path, session), provider, options.Value.OutputBytesMax);
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0];

    [LoggerMessage(Level = LogLevel.Information, Message = "CUDA is not usable here, models run on the CPU: {Reason}")]
    private partial void CudaUnusable(string reason);
}
