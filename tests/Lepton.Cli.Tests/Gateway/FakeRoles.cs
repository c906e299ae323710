using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Tests.Gateway;

/// <summary>Answers as a compliance service does where nothing is in the way.</summary>
internal sealed class FakeRoles(Answers answers) : RoleService.RoleServiceBase
{
    public override Task<GrantRoleResponse> GrantRole(GrantRoleRequest request, ServerCallContext context)
    {
        answers.RoleRequests.Enqueue(request);
        Assignment granted = new()
        {
            AssignmentId = request.RequestId, Principal = request.Principal, Tenant = request.Tenant,
            Role = request.Role, Regions = { request.Regions }, ExpireTime = request.ExpireTime,
            State = request.Role == "auditor" ? AssignmentState.Pending : AssignmentState.Active,
        };
        return Task.FromResult(new GrantRoleResponse { Assignment = granted });
    }

    public override Task<BreakGlassResponse> BreakGlass(BreakGlassRequest request, ServerCallContext context)
    {
        answers.RoleRequests.Enqueue(request);
        Assignment taken = new()
        {
            AssignmentId = request.RequestId, Principal = "lepton/otto", Role = request.Role,
            Regions = { request.Regions }, State = AssignmentState.Active, Emergency = true,
            ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch + request.Duration.ToTimeSpan()),
        };
        return Task.FromResult(new BreakGlassResponse { Assignment = taken });
    }

    public override Task<WhoCanResponse> WhoCan(WhoCanRequest request, ServerCallContext context)
    {
        answers.RoleRequests.Enqueue(request);
        bool first = request.PageToken.Length == 0;
        return Task.FromResult(new WhoCanResponse
        {
            Holders =
            {
                new Holder
                {
                    Assignment = new Assignment
                    {
                        AssignmentId = first ? "a" : "b", Principal = first ? "lepton/anna" : "lepton/[ben]",
                        Role = "operator", Regions = { "*" }, State = AssignmentState.Active,
                    },
                    OnlyForTenant = first ? "" : "demo",
                },
            },
            NextPageToken = first ? "a" : "",
        });
    }
}
