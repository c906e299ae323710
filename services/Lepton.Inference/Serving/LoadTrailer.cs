using Google.Protobuf;
using Lepton.Inference.Agent;
using Lepton.Inference.Repository;

namespace Lepton.Inference.Serving;

/// <summary>
/// The node's load in every answer, as ORCA has it (xds.data.orca.v3.OrcaLoadReport in the trailer
/// <c>endpoint-load-metrics-bin</c>), so that balancers which speak it need no other channel.
/// </summary>
internal sealed class LoadTrailer(ModelRepository repository, LinuxMachine machine, TimeProvider time)
{
    public const string Name = "endpoint-load-metrics-bin";

    // Field numbers of orca_load_report.proto.
    private const int CpuUtilization = 1;
    private const int MemoryUtilization = 2;
    private const int RequestsPerSecond = 6;
    private const int ApplicationUtilization = 9;

    // Reading the machine costs more than a small inference; a second old is what a router has as well.
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private byte[] _report = [];
    private long? _made;

    public byte[] Report()
    {
        lock (_lock)
        {
            if (_made is { } made && time.GetElapsedTime(made) < Age)
                return _report;
            _made = time.GetTimestamp();
            return _report = Make();
        }
    }

    private byte[] Make()
    {
        var load = machine.Read();
        var served = repository.Versions.Select(version => version.Served).OfType<Execution.ServedModel>().ToArray();
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            Write(output, CpuUtilization, load.CpuUtilization);
            Write(output, MemoryUtilization, (double)load.MemoryUsedBytes / Math.Max(1, load.MemoryLimitBytes));
            Write(output, RequestsPerSecond, served.Sum(model => model.Statistics.RequestsPerSecond()));
            // The fullest model's slots: over 1 when requests wait.
            Write(output, ApplicationUtilization, served.Select(model =>
                (double)(model.Running + model.Queued) / model.InstanceCount).DefaultIfEmpty().Max());
        }
        return bytes.ToArray();
    }

    private static void Write(CodedOutputStream output, int field, double value)
    {
        output.WriteTag(field, WireFormat.WireType.Fixed64);
        output.WriteDouble(value);
    }
}
