using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Agent;

/// <summary>Puts together what a router needs to know of this node.</summary>
internal sealed class ReportBuilder(
    ModelRepository repository,
    Draining draining,
    LinuxMachine machine,
    Nvml gpus,
    TimeProvider time,
    IOptions<ServiceOptions> place,
    IOptions<InferenceOptions> options)
{
    private const int ModelsMax = 1_000;
    private readonly Timestamp _startTime = Timestamp.FromDateTimeOffset(time.GetUtcNow());
    private readonly string _version = typeof(ReportBuilder).Assembly.GetName().Version?.ToString() ?? "";
    private readonly Lock _lock = new();
    private ulong _sequence;

    public NodeReport Build()
    {
        // One at a time: loads are differences since the last reading, and sequence numbers count up.
        lock (_lock)
        {
            var models = repository.Versions.Take(ModelsMax).Select(Model).ToArray();
            return new NodeReport
            {
                Node = options.Value.Node,
                Region = place.Value.Region,
                Zone = place.Value.Zone,
                Tier = options.Value.Tier == "core" ? Tier.Core : Tier.Edge,
                Url = options.Value.AdvertiseUrl,
                State = State(),
                StartTime = _startTime,
                Sequence = ++_sequence,
                Models = { models },
                Load = Load(models),
                SoftwareVersion = _version,
            };
        }
    }

    private NodeState State() =>
        draining.IsOn ? NodeState.Draining : repository.Started ? NodeState.Serving : NodeState.Starting;

    private static ModelReport Model(ModelVersion version)
    {
        var report = new ModelReport
        {
            Name = version.Identity.Name,
            Version = version.Identity.Version.ToString(CultureInfo.InvariantCulture),
            Ready = version.Served is { IsReady: true },
            WantedProvider = version.WantedProvider,
            Loading = version.State == ModelState.Loading,
        };
        if (version.Served is not { } served)
            return report;
        var now = served.Statistics.Snapshot();
        report.Provider = served.Provider;
        report.NonIdempotent = !served.IsIdempotent;
        report.Slots = (uint)served.InstanceCount;
        report.InFlight = (uint)Math.Max(0, served.Running);
        report.Queued = (uint)served.Queued;
        report.QueueMax = (uint)served.QueueMax;
        report.ServiceTime = now.ServiceTime is { } average ? Duration.FromTimeSpan(average) : null;
        report.RequestRate = served.Statistics.RequestsPerSecond();
        report.Completed = now.Success.Count;
        report.Failed = now.Fail.Count;
        return report;
    }

    private LoadReport Load(ModelReport[] models)
    {
        var load = machine.Read();
        return new LoadReport
        {
            CpuUtilization = load.CpuUtilization,
            CpuCount = load.CpuCount,
            MemoryUsedBytes = (ulong)load.MemoryUsedBytes,
            MemoryLimitBytes = (ulong)load.MemoryLimitBytes,
            Gpus = { gpus.Read() },
            NetworkReceiveBytesPerSecond = load.ReceiveBytesPerSecond,
            NetworkTransmitBytesPerSecond = load.TransmitBytesPerSecond,
            InFlight = (uint)models.Sum(m => m.InFlight),
            Queued = (uint)models.Sum(m => m.Queued),
            RequestRate = models.Sum(m => m.RequestRate),
        };
    }
}
