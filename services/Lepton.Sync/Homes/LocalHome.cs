using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>What this node does as the home of slots. Its answers are given only while its lease holds.</summary>
internal sealed class LocalHome(
    ITopologySource topology, HomeLease lease, IDataKeys keys, IRecordSealer sealer, HomeWriter writer,
    IRecordStore store, Confirmations confirmations, ReadCache cache,
    IOptions<HomeOptions> options, TimeProvider time)
{
    private const int KeyTriesMax = 5;

    /// <summary>What a sealed row has beside its key and value, about.</summary>
    private const int OverheadBytes = 160;

    /// <summary>Writes one record and waits for its level.</summary>
    /// <param name="epoch">The sender's; older than this node's: EpochStale.</param>
    /// <param name="command">What to write.</param>
    /// <param name="wish">How safe it is to be.</param>
    /// <param name="cancellationToken">Ends the waiting, not the write.</param>
    public async Task<WriteReply> WriteAsync(
        long epoch, WriteCommand command, LevelWish wish, CancellationToken cancellationToken)
    {
        if (await RefuseAsync(epoch, command.Address, cancellationToken) is { } refusal)
            return WriteReply.Failed(refusal);
        var address = command.Address;
        var term = topology.Current.MapOf(address.Class.Id).Term(address.Slot);
        HomeOutcome outcome;
        try
        {
            outcome = await CommitAsync(command, term, cancellationToken);
        }
        catch (KeyStoreFullException)
        {
            return WriteReply.Failed(HomeReason.KeysFull);
        }
        catch (Exception e) when (e is KeyStoreUnavailableException or KeyErasedException)
        {
            return WriteReply.Failed(HomeReason.KeysUnavailable);
        }
        if (outcome.Kind is HomeOutcomeKind.Overloaded)
            return WriteReply.Failed(HomeReason.Overloaded);
        if (outcome.Kind is HomeOutcomeKind.NotDone or HomeOutcomeKind.Cancelled)
            return WriteReply.Failed(HomeReason.DatabaseUnavailable);
        if (outcome.Kind is HomeOutcomeKind.Unknown)
            return WriteReply.Failed(HomeReason.OutcomeUnknown);
        cache.Forget(address.Class.Id, address.StoredKey);
        // Who lost the slot meanwhile does not know whether its successor has this write.
        if (!IsStillHome(address, term))
            return WriteReply.Failed(HomeReason.OutcomeUnknown);
        return outcome.Kind == HomeOutcomeKind.Conflict
            ? new WriteReply(HomeReason.Conflict, outcome.Version, false, Durability.None)
            : await ConfirmAsync(command, wish, outcome, term, cancellationToken);
    }

    /// <summary>Reads rows of slots that this node is home of.</summary>
    public async Task<ReadReply> ReadAsync(
        long epoch, IReadOnlyList<RecordAddress> addresses, CancellationToken cancellationToken)
    {
        foreach (var address in addresses)
            if (await RefuseAsync(epoch, address, cancellationToken) is { } refusal)
                return ReadReply.Failed(refusal);
        var terms = addresses.Select(a => topology.Current.MapOf(a.Class.Id).Term(a.Slot)).ToList();
        var rows = new StoredRecord?[addresses.Count];
        try
        {
            foreach (var group in addresses.Select((address, i) => (address, i)).GroupBy(p => p.address.Class.Id))
            {
                var members = group.ToList();
                var read = await store.ReadAsync(
                    group.Key, [.. members.Select(p => p.address.StoredKey)], cancellationToken);
                for (var i = 0; i < members.Count; i++)
                    rows[members[i].i] = read[i];
            }
        }
        catch (DatabaseUnavailableException)
        {
            return ReadReply.Failed(HomeReason.DatabaseUnavailable);
        }
        // The answer is true for a moment at which the lease held: after the reading.
        for (var i = 0; i < addresses.Count; i++)
            if (!IsStillHome(addresses[i], terms[i]))
                return ReadReply.Failed(HomeReason.HomeUnavailable);
        return new ReadReply(HomeReason.Ok, rows);
    }

    /// <summary>A page of slots: as their home, or as whatever replica this is.</summary>
    public async Task<ReadReply> ScanAsync(
        long epoch, ScanRange range, int limit, bool home, CancellationToken cancellationToken)
    {
        if (epoch > topology.Current.Epoch)
            await topology.RefreshAsync(cancellationToken);
        var now = topology.Current;
        if (epoch < now.Epoch)
            return ReadReply.Failed(HomeReason.EpochStale);
        var recordClass = now[range.Class];
        var map = now.MapOf(range.Class);
        foreach (var slot in range.Slots ?? [])
            if (home ? map.Home(slot) != topology.Self.Id : !map.Holds(topology.Self.Id, slot))
                return ReadReply.Failed(HomeReason.NotHome);
        try
        {
            var rows = await store.ScanAsync(range, limit, cancellationToken);
            return home && !(range.Slots ?? []).All(slot => lease.Holds(topology.Current, recordClass, slot))
                ? ReadReply.Failed(HomeReason.HomeUnavailable)
                : new ReadReply(HomeReason.Ok, [.. rows]);
        }
        catch (DatabaseUnavailableException)
        {
            return ReadReply.Failed(HomeReason.DatabaseUnavailable);
        }
    }

    private async Task<HomeOutcome> CommitAsync(WriteCommand command, long term, CancellationToken cancellationToken)
    {
        var address = command.Address;
        for (var attempt = 1; ; attempt++)
        {
            var key = command.SubjectDigest is { } digest
                ? await keys.ForWriteAsync(address.Class.Id, digest, cancellationToken)
                : await keys.ForWriteAsync(address.Class.Id, address.Tenant, command.Subject, cancellationToken);
            try
            {
                return await writer.WriteAsync(
                    new WriteDraft
                    {
                        Class = address.Class.Id,
                        Slot = address.Slot,
                        Key = address.StoredKey,
                        Term = term,
                        Kind = command.Kind,
                        Expected = command.Expected,
                        RequestId = command.RequestId,
                        Bytes = address.StoredKey.Length + command.Value.Length + OverheadBytes,
                        Seal = version => sealer.Seal(Plain(command, version), key),
                    },
                    cancellationToken);
            }
            catch (KeyErasedException) when (attempt < KeyTriesMax)
            {
                // The subject was erased since: what comes now is sealed with a key of its own.
            }
        }
    }

    private async Task<WriteReply> ConfirmAsync(
        WriteCommand command, LevelWish wish, HomeOutcome outcome, long term, CancellationToken cancellationToken)
    {
        var address = command.Address;
        using var patience = new CancellationTokenSource(options.Value.ConfirmTimeMax, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var confirmed = await confirmations.WaitAsync(
            new CommittedWrite(outcome.TransactionId, address.Class.Id, address.Slot, term), Levels.Safety(wish.Level),
            wish.OtherRegions, either.Token);
        if (confirmed.State == ConfirmationState.HomeLost)
            return WriteReply.Failed(HomeReason.OutcomeUnknown);
        return new WriteReply(
            confirmed.State == ConfirmationState.Met ? HomeReason.Ok : HomeReason.Unconfirmed, outcome.Version,
            outcome.Kind == HomeOutcomeKind.Repeated, new Durability(true, confirmed.Zone, confirmed.Regions));
    }

    private async Task<HomeReason?> RefuseAsync(
        long epoch, RecordAddress address, CancellationToken cancellationToken)
    {
        if (epoch > topology.Current.Epoch)
            await topology.RefreshAsync(cancellationToken);
        var now = topology.Current;
        return epoch < now.Epoch ? HomeReason.EpochStale
            : now.MapOf(address.Class.Id).Home(address.Slot) != topology.Self.Id ? HomeReason.NotHome
            : !lease.Holds(now, address.Class, address.Slot) ? HomeReason.HomeUnavailable
            : null;
    }

    private bool IsStillHome(RecordAddress address, long term)
    {
        var now = topology.Current;
        return now.MapOf(address.Class.Id).Term(address.Slot) == term
            && lease.Holds(now, address.Class, address.Slot);
    }

    private static PlainRecord Plain(WriteCommand command, RecordVersion version) => new()
    {
        Class = command.Address.Class.Id,
        Slot = command.Address.Slot,
        StoredKey = command.Address.StoredKey,
        Tenant = command.Address.Tenant,
        Key = command.Address.Key,
        Version = version,
        Kind = command.Kind,
        Value = command.Value,
        RequestId = command.RequestId,
    };
}
