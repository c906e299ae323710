using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Audit.Witnesses;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Audit;

/// <summary>AuditPeerService: wire types in and out.</summary>
internal sealed class PeerEndpoint(
    CopyKeeper copies, WitnessedHeads witnessed, HeadStore heads, HeadKeeper keeper, TileStore tiles,
    EntryReads entries, LogWriter writer, PersonKeys keys, SubjectEraser eraser, PeerTable peers, LogName log,
    InstallationAuthority authority, IHostApplicationLifetime lifetime, TimeProvider time)
    : AuditPeerService.AuditPeerServiceBase
{
    private const int EntriesMax = 1000;

    public override Task Copy(
        IAsyncStreamReader<CopyRequest> requests, IServerStreamWriter<CopyResponse> answers,
        ServerCallContext context) => AuditErrors.MapAsync(async () =>
        {
            // A stream has no end of its own: it would hold up the process' stop.
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(
                context.CancellationToken, lifetime.ApplicationStopping);
            if (!await AuditErrors.NextAsync(requests, ending.Token))
                return true;
            var of = requests.Current.Log;
            CheckLog(of, context);
            await using var copy = await copies.OpenAsync(of, context.CancellationToken);
            do
            {
                if (requests.Current.Entries.Count > EntriesMax)
                    throw AuditErrors.FieldInvalid("entries", $"takes at most {EntriesMax}");
                await copy.AddAsync(requests.Current, context.CancellationToken);
                await answers.WriteAsync(new CopyResponse { Size = (ulong)copy.Size }, context.CancellationToken);
            }
            while (await AuditErrors.NextAsync(requests, ending.Token));
            return true;
        });

    public override Task<GetKnownLogResponse> GetKnownLog(GetKnownLogRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            CheckLog(request.Log, context);
            var seen = await witnessed.LatestAsync(request.Log, context.CancellationToken);
            var copied = await heads.LatestAsync(request.Log, context.CancellationToken);
            return new GetKnownLogResponse
            {
                CopySize = (ulong)await copies.SizeAsync(request.Log, context.CancellationToken),
                Head = copied is not null && (seen is null || copied.Size > seen.Size) ? copied : seen,
            };
        });

    public override Task ReadCopy(
        ReadCopyRequest request, IServerStreamWriter<ReadCopyResponse> answers, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            CheckLog(request.Log, context);
            if (request.First is 0 or > long.MaxValue)
                throw AuditErrors.FieldInvalid("first", "takes a sequence from 1");
            var (token, first) = (context.CancellationToken, (long)request.First);
            var size = await copies.SizeAsync(request.Log, token);
            var kept = await entries.FirstKeptAsync(request.Log, token);
            var reader = tiles.Reader(request.Log, Months.Copies);
            while (first < kept && first <= size)
            {
                // What was dropped as over, tile by tile.
                var index = (first - 1) >> TileStore.WidthBits;
                var tile = await reader.TileAsync(0, index, token);
                var from = (int)(first - 1 - (index << TileStore.WidthBits));
                var to = (int)Math.Min(TileStore.Width, kept - 1 - (index << TileStore.WidthBits));
                await answers.WriteAsync(new ReadCopyResponse
                {
                    LeafHashes = ByteString.CopyFrom(tile.AsSpan(
                        from * MerkleTree.HashBytes, (to - from) * MerkleTree.HashBytes)),
                }, token);
                first += to - from;
            }
            for (; first <= size; first += EntriesMax)
            {
                var rows = await entries.CopiesAsync(request.Log, first, first + EntriesMax - 1, token);
                var ids = rows.SelectMany(r => KeyCopies.IdsOf(AuditEntry.Parser.ParseFrom(r.Bytes))).Distinct();
                await answers.WriteAsync(new ReadCopyResponse
                {
                    Entries = { rows.Select(r => UnsafeByteOperations.UnsafeWrap(r.Bytes)) },
                    Keys =
                    {
                        ids.Select(keys.Find).OfType<PersonKey>().Select(KeyCopies.Write).OfType<PersonKeyCopy>(),
                    },
                }, token);
            }
            return true;
        });

    public override Task<GetOwnHeadResponse> GetOwnHead(GetOwnHeadRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            context.RequireService("compliance");
            if (!writer.IsOpen)
                throw new LogUnavailableException(writer.WhyClosed);
            if (keeper.Latest is not { } latest)
                return new GetOwnHeadResponse();
            if (request.KnownSize > latest.Size)
                throw AuditErrors.FieldInvalid("known_size", $"takes at most {latest.Size}");
            var head = await heads.FindAsync(log.Value, (long)latest.Size, context.CancellationToken) ?? latest;
            var proof = await tiles.Reader(log.Value, Months.Entries).ConsistencyAsync(
                (long)request.KnownSize, (long)head.Size, context.CancellationToken);
            return new GetOwnHeadResponse { Head = head, Consistency = { proof.Select(ByteString.CopyFrom) } };
        });

    public override Task<AddWitnessResponse> AddWitness(AddWitnessRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            var caller = context.RequireService("compliance");
            if (request.Log != log.Value)
                throw AuditErrors.FieldInvalid("log", $"takes {log}");
            if (request.Witness is not { } word || !peers.Others.Any(p => p.Name == word.Witness)
                || word.Witness.Split('/')[0] != caller.Region)
                throw AuditErrors.FieldInvalid("witness.witness", "takes the caller's own name");
            if (await heads.FindAsync(log.Value, (long)request.Size, context.CancellationToken) is not { } head)
                throw AuditErrors.FieldInvalid("size", "takes the size of a head that was signed here");
            if (HeadSignatures.WitnessFault(head, word, authority.Certificate) is { } fault)
                throw AuditErrors.FieldInvalid("witness.signature", fault);
            await heads.AddWitnessAsync(log.Value, (long)request.Size, word, context.CancellationToken);
            return new AddWitnessResponse();
        });

    public override Task<ApplyErasureResponse> ApplyErasure(ApplyErasureRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(() =>
        {
            context.RequireService("compliance");
            if (request.Handle.Length != PersonHandle.Bytes)
                throw AuditErrors.FieldInvalid("handle", $"takes {PersonHandle.Bytes} bytes");
            if (request.KeyIds.Count > EntriesMax || request.KeyIds.Any(id => id.Length != PersonKey.IdBytes))
                throw AuditErrors.FieldInvalid("key_ids", $"takes ids of {PersonKey.IdBytes} bytes");
            var done = eraser.Apply(PersonHandle.Of(request.Handle.Span),
                [.. request.KeyIds.Select(id => new Guid(id.Span, bigEndian: true))]);
            return Task.FromResult(new ApplyErasureResponse
            {
                KeyIds = { done.Select(id => ByteString.CopyFrom(id.ToByteArray(bigEndian: true))) },
                DestroyTime = Timestamp.FromDateTimeOffset(time.GetUtcNow()),
            });
        });

    // A log is its own region's business.
    private static void CheckLog(string of, ServerCallContext context)
    {
        if (of.Length is 0 or > 100 || of.Split('/').Length != 2)
            throw AuditErrors.FieldInvalid("log", "takes REGION/ZONE");
        context.RequireService("compliance", of.Split('/')[0]);
    }
}
