using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Listing;
using Lepton.Routing.Registry;
using Lepton.Routing.Resilience;
using Lepton.Routing.Tenants;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>
/// What would happen to a request: admission and pick as for a real one, nothing booked, sent or recorded.
/// </summary>
internal sealed class RoutePlanner(
    Topology topology, CandidatePicker picker, StrategyChoice strategies, TenantRights rights, TimeProvider time)
{
    public PlanRouteResponse Plan(PlanRouteRequest request, Caller caller)
    {
        if (request.Model.Length == 0)
            throw GatewayErrors.FieldInvalid("model", "is required");
        if (request.Priority is not ("" or "realtime" or "batch"))
            throw GatewayErrors.FieldInvalid("priority", "takes realtime or batch");
        IBalancingStrategy? asked = null;
        if (request.Strategy.Length > 0 && !StrategyCatalogue.ByName.TryGetValue(request.Strategy, out asked))
            throw GatewayErrors.FieldInvalid("strategy", $"takes one of {StrategyCatalogue.Names}");
        string priority = request.Priority.Length == 0 ? "realtime" : request.Priority;
        if (rights.Fault(caller.Tenant, priority, asked, []) is { } unfit)
            throw unfit;
        IBalancingStrategy strategy = strategies.For(asked, request.Model);

        DecisionDraft draft = new()
        {
            Id = "",
            Region = topology.Own,
            CreateTime = time.GetUtcNow(),
            Method = GatewayMethod.ModelInfer.Name,
            Policy = topology.Policy,
            Tenant = caller.Tenant,
            Principal = caller.Principal,
            Model = request.Model,
            ModelVersion = request.ModelVersion,
            AskedClass = request.DataClass,
            Strategy = strategy.Name,
            Priority = priority,
            OriginRegion = topology.Own,
            StatusCode = (int)StatusCode.OK,
        };
        (EffectiveClass? admitted, RpcException? error) = Admission.Admit(topology, draft, request.Model, origin: null);
        if (admitted is not null)
        {
            ViewKey key = new(request.Model, request.ModelVersion, admitted.Set, OwnOnly: false);
            Place place = picker.Pick(key, strategy, admitted.Regions, PassedOver.Nobody, [],
                request.Priority == "batch" ? Priority.Batch : Priority.Realtime, book: false);
            draft.Attempts.Add(place.Attempt);
            error = place.Error;
        }
        if (error is not null)
            (draft.StatusCode, draft.Reason, draft.Message) =
                ((int)error.StatusCode, RpcErrors.ReasonOf(error) ?? "", error.Status.Detail);

        PlanRouteResponse response = new() { Decision = draft.ToDecision() };
        response.AllowedGateways.AddRange(topology.Regions
            .Where(r => draft.Class?.Allows(r.Name) == true)
            .Select(RegionListing.Gateways));
        foreach (Region region in response.AllowedGateways)
            region.Own = region.Name == topology.Own;
        return response;
    }
}
