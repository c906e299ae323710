using Google.Protobuf;
using Lepton.Cli.Commands.Control;
using Lepton.Compliance.Client;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Commands.Policies;

/// <summary>An order of activation, made here and signed here: the service has no key.</summary>
internal static class PolicyOrder
{
    /// <summary>The record that services follow.</summary>
    public const string Record = "control/residency";

    /// <summary>Makes the next order, signs it and hands it in.</summary>
    public static async Task<ActivateOrderResponse> SendAsync(
        GatewayCall call, long order, IReadOnlyDictionary<string, long> active)
    {
        Dictionary<long, PolicyApproval> approvals = [];
        Dictionary<long, ReadOnlyMemory<byte>> policies = [];
        foreach (long version in active.Values.Distinct())
        {
            GetPolicyResponse found = await call.Gateway.Policies.GetPolicyAsync(
                new GetPolicyRequest { Version = version }, call.Options);
            Policy policy = found.Policy;
            if (policy.State == PolicyState.Draft)
            {
                throw new CommandFailure(ExitCode.Failed,
                    $"Policy {version} is a draft of {policy.Author}'s that nobody approved yet.")
                {
                    Hints = [$"Somebody else does: ./lepton policy approve {version}"],
                };
            }

            approvals[version] = new PolicyApproval(policy.Digest, policy.Author, policy.Approver,
                policy.ApproveTime?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch,
                policy.State == PolicyState.Seed);
            policies[version] = Plain(found.Document.Memory);
        }

        ReadOnlyMemory<byte> content = new ActivationOrder(order, active, approvals, policies).Write();
        byte[] jws = new ControlSigner(call.Session.Installation, call.Session.Time).Sign(
            Record, new ControlDocument("the order", order, content));
        return await call.Gateway.Policies.ActivateOrderAsync(
            new ActivateOrderRequest { Jws = UnsafeByteOperations.UnsafeWrap(jws) }, call.Options);
    }

    // A document is put into the order byte by byte; comments, of a file that names no regimes, have no place there.
    private static ReadOnlyMemory<byte> Plain(ReadOnlyMemory<byte> document)
    {
        try
        {
            using System.Text.Json.JsonDocument _ = System.Text.Json.JsonDocument.Parse(document);
            return document;
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new CommandFailure(ExitCode.Failed,
                $"The policy in force is no plain JSON ({e.Message}): publish it without comments first.");
        }
    }
}
