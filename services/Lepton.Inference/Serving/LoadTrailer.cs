using Google.Protobuf;
using Lepton.Inference.Agent;
using Lepton.Inference.Repository;
using Xds.Data.Orca.V3;

namespace Lepton.Inference.Serving;

/// <summary>
/// The node's load as ORCA has it: in every answer (trailer <c>endpoint-load-metrics-bin</c>), so that balancers which
/// speak it need no other channel, and for those without a request under way on <see cref="LoadStreams"/>.
/// </summary>
internal sealed class LoadTrailer(ModelRepository repository, LinuxMachine machine, TimeProvider time)
{
    public const string Name = "endpoint-load-metrics-bin";

    // Reading the machine costs more than a small inference; a second old is what a router has as well.
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private OrcaLoadReport _report = new();
    private byte[] _bytes = [];
    private long? _made;

    /// <summary>The load now, or up to a second ago; nobody changes it.</summary>
    public OrcaLoadReport Report() => Current().Report;

    /// <summary>The same as the trailer's value.</summary>
    public byte[] Bytes() => Current().Bytes;

    private (OrcaLoadReport Report, byte[] Bytes) Current()
    {
        lock (_lock)
        {
            if (_made is null || time.GetElapsedTime(_made.Value) >= Age)
            {
                _made = time.GetTimestamp();
                _report = Make();
                _bytes = _report.ToByteArray();
            }
            return (_report, _bytes);
        }
    }

    private OrcaLoadReport Make()
    {
        var load = machine.Read();
        var served = repository.Versions.Select(version => version.Served).OfType<Execution.ServedModel>().ToArray();
        return new OrcaLoadReport
        {
            CpuUtilization = load.CpuUtilization,
            MemUtilization = Math.Min(1, (double)load.MemoryUsedBytes / Math.Max(1, load.MemoryLimitBytes)),
            RpsFractional = served.Sum(model => model.Statistics.RequestsPerSecond()),
            // The fullest model's slots: over 1 when requests wait.
            ApplicationUtilization = served.Select(model =>
                (double)(model.Running + model.Queued) / model.InstanceCount).DefaultIfEmpty().Max(),
        };
    }
}
