using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Erasure;

/// <summary>What the peer service does of erasures; the service's class calls it.</summary>
internal sealed class ErasureEndpoint(Eraser eraser, ErasureStanding standing)
{
    private const int DigestBytes = 32, KeysMax = 10_000, NameBytesMax = 63;

    public async Task<V1.ApplyErasureResponse> ApplyAsync(V1.ApplyErasureRequest request, ServerCallContext context)
    {
        context.RequireService("sync");
        var done = await eraser.ApplyAsync(Check(request), KeysOf(request), context.CancellationToken);
        return new V1.ApplyErasureResponse
        {
            Receipt = ErasureMessages.Write(done.Receipt), KeyIds = { ErasureMessages.Write(done.OwnKeys) },
        };
    }

    public async Task<V1.FindErasureResponse> FindAsync(V1.FindErasureRequest request, ServerCallContext context)
    {
        context.RequireService("sync");
        if (!Guid.TryParse(request.ErasureId, out var id))
            throw ErasureErrors.FieldInvalid("erasure_id", "takes a UUID");
        var word = await standing.WordAsync(id, context.CancellationToken);
        return new V1.FindErasureResponse { Erasure = word.Erasure, Node = word.OrderedBy };
    }

    private static ErasureOrder Check(V1.ApplyErasureRequest request)
    {
        if (!Guid.TryParse(request.ErasureId, out var id))
            throw ErasureErrors.FieldInvalid("erasure_id", "takes a UUID");
        if (request.Tenant.Length is 0 or > NameBytesMax)
            throw ErasureErrors.FieldInvalid("tenant", $"takes 1 to {NameBytesMax} characters");
        if (request.SubjectDigest.Length != DigestBytes)
            throw ErasureErrors.FieldInvalid("subject_digest", $"takes {DigestBytes} bytes");
        if (request.Node.Length is 0 or > NameBytesMax)
            throw ErasureErrors.FieldInvalid("node", $"takes 1 to {NameBytesMax} characters");
        if (request.OrderTime is null)
            throw ErasureErrors.FieldInvalid("order_time", "is required");
        try
        {
            return new ErasureOrder(id, new SubjectDigest(request.Tenant, request.SubjectDigest.ToByteArray()),
                ErasureMessages.TimeOf(request.OrderTime), request.Node);
        }
        catch (FormatException)
        {
            throw ErasureErrors.FieldInvalid("order_time", "takes a time from the year 1 to 9999");
        }
    }

    private static Records.KeyId[] KeysOf(V1.ApplyErasureRequest request)
    {
        if (request.KeyIds.Count > KeysMax)
            throw ErasureErrors.FieldInvalid("key_ids", $"takes at most {KeysMax} ids");
        try
        {
            return ErasureMessages.Read(request.KeyIds);
        }
        catch (FormatException)
        {
            throw ErasureErrors.FieldInvalid("key_ids", $"takes ids of {ErasureMessages.KeyIdBytes} bytes");
        }
    }
}
