using Externalscaler;
using Grpc.Core;
using Lepton.Routing.Draining;
using Lepton.Routing.Gateway;
using Lepton.Routing.Scaling.Pools;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Scaling;

/// <summary>
/// KEDA's external scaler (keda.sh, External Scalers): says how many nodes a pool shall have, as a metric whose target
/// is 1 a replica, so that the HPA's formula gives just that number. The scaled object's metadata: <c>tier</c>, core or
/// edge. Only service <c>keda</c> may ask.
/// </summary>
internal sealed class KedaScaler(ScalingLoop scaling, RouterDrain drain, TimeProvider time)
    : ExternalScaler.ExternalScalerBase
{
    private const string TierKey = "tier";

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Who may call, for a contract that is not ours to annotate.</summary>
    public static IReadOnlyDictionary<string, AccessRule> Rules { get; } = ExternalScaler.Descriptor.Methods
        .ToDictionary(AccessRules.PathOf, _ => AccessRule.ForServices("keda"));

    public override Task<IsActiveResponse> IsActive(ScaledObjectRef request, ServerCallContext context) =>
        Task.FromResult(new IsActiveResponse { Result = IsActiveNow(Find(request)) });

    public override async Task StreamIsActive(
        ScaledObjectRef request, IServerStreamWriter<IsActiveResponse> responseStream, ServerCallContext context)
    {
        CapacityScaler scaler = Find(request);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, drain.Closing);
        using PeriodicTimer timer = new(Look, time);
        bool? said = null;
        try
        {
            do
                if (IsActiveNow(scaler) is var active && active != said)
                {
                    said = active;
                    await responseStream.WriteAsync(
                        new IsActiveResponse { Result = active }, context.CancellationToken);
                }
            while (await timer.WaitForNextTickAsync(end.Token));
        }
        catch (OperationCanceledException) when (drain.Closing.IsCancellationRequested)
        {
            throw GatewayErrors.Stopping();
        }
    }

    public override Task<GetMetricSpecResponse> GetMetricSpec(ScaledObjectRef request, ServerCallContext context) =>
        Task.FromResult(new GetMetricSpecResponse
        {
            MetricSpecs =
            {
                new MetricSpec { MetricName = MetricOf(Find(request).Tier), TargetSize = 1, TargetSizeFloat = 1 },
            },
        });

    public override Task<GetMetricsResponse> GetMetrics(GetMetricsRequest request, ServerCallContext context)
    {
        CapacityScaler scaler = Find(request.ScaledObjectRef);
        string metric = MetricOf(scaler.Tier);
        // KEDA may put a prefix of its own before the name.
        if (!request.MetricName.EndsWith(metric, StringComparison.Ordinal))
            throw RpcErrors.FieldInvalid("metricName", $"takes {metric}");
        // Before the first decision there is no number, and 0 would have every node stopped.
        if (scaler.Decision is not { Desired: > 0 and var desired })
            throw RpcErrors.Create(StatusCode.Unavailable, ErrorReason.ScalingUnknown,
                "No decision was made yet; the nodes stay as they are.");
        return Task.FromResult(new GetMetricsResponse
        {
            MetricValues =
            {
                new MetricValue { MetricName = metric, MetricValue_ = desired, MetricValueFloat = desired },
            },
        });
    }

    private static bool IsActiveNow(CapacityScaler scaler) =>
        scaler.Decision is { } decision && (decision.Urgent || decision.Models.Any(m => m.Load > 0 || m.Needs > 0));

    private CapacityScaler Find(ScaledObjectRef? request)
    {
        string? wanted = null;
        if (request?.ScalerMetadata.TryGetValue(TierKey, out wanted) is not true || wanted is not ("core" or "edge"))
            throw RpcErrors.FieldInvalid($"scalerMetadata.{TierKey}", "takes core or edge");
        Tier tier = wanted == "core" ? Tier.Core : Tier.Edge;
        return scaling.Scalers.FirstOrDefault(s => s.Tier == tier)
            ?? throw RpcErrors.FieldInvalid($"scalerMetadata.{TierKey}",
                $"takes a tier of this router's {ScalingOptions.Section}:Pools");
    }

    private static string MetricOf(Tier tier) => tier == Tier.Core ? "lepton-nodes-core" : "lepton-nodes-edge";
}
