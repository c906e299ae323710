using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Tests.Gateway;

/// <summary>Two pages of one event each; an export of two pieces, or one that breaks off.</summary>
internal sealed class FakeAudit(Answers answers) : AuditSearchService.AuditSearchServiceBase
{
    public override Task<SearchEntriesResponse> SearchEntries(SearchEntriesRequest request, ServerCallContext context)
    {
        answers.RoleRequests.Enqueue(request);
        bool first = request.PageToken.Length == 0;
        return Task.FromResult(new SearchEntriesResponse
        {
            Entries =
            {
                new FoundEntry
                {
                    Log = "eu-west/a", Sequence = first ? 2u : 1, WriteTime = new Timestamp { Seconds = 1_780_000_000 },
                    ActorErased = !first,
                    Event = new AuditEvent
                    {
                        Id = first ? "aa" : "bb", Action = "roles.grant", Resource = "roles/[x]", Reason = "SELF_GRANT",
                        Outcome = AuditOutcome.Denied, Category = AuditCategory.Management,
                        Actor = first ? new AuditActor { Principal = "lepton/anna" } : null,
                    },
                },
            },
            NextPageToken = first ? "next" : "",
        });
    }

    public override async Task ExportEntries(
        ExportEntriesRequest request, IServerStreamWriter<ExportEntriesResponse> responseStream,
        ServerCallContext context)
    {
        answers.RoleRequests.Enqueue(request);
        await responseStream.WriteAsync(new ExportEntriesResponse { Data = ByteString.CopyFromUtf8("first\n") });
        if (request.Filter.Tenant == "broken")
            throw new RpcException(new Status(StatusCode.Unavailable, "the log went away"));
        await responseStream.WriteAsync(new ExportEntriesResponse { Data = ByteString.CopyFromUtf8("second\n") });
    }
}
