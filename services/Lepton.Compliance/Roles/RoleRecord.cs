using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Roles;

/// <summary>
/// The record <c>control/roles</c>: read at its home, changed, signed, written if nobody changed it meanwhile. So any
/// region's Compliance can change roles, and no two changes undo each other.
/// </summary>
internal sealed class RoleRecord(
    GlobalRecords records, AccessFile access, RoleSigner signer, IOptions<RoleOptions> options, TimeProvider time)
    : IDisposable
{
    private const int TriesMax = 8;

    // One after the other within a process: they would only get in each other's way.
    private readonly SemaphoreSlim _turn = new(1);
    private int _waiting;

    /// <summary>Changes it.</summary>
    /// <param name="decide">Asked again where another change came in between.</param>
    /// <param name="before">Told what will be written, once, before it is.</param>
    /// <param name="cancellationToken">Ends the wait; whether it was written is then not known.</param>
    /// <exception cref="RolesUnavailableException">Not read or not written, or whether is not known.</exception>
    /// <exception cref="RolesDamagedException">What is there is no role signer's.</exception>
    /// <exception cref="RolesBusyException">More changes wait than may.</exception>
    public async Task<RoleOutcome> ChangeAsync(
        Func<RoleBook, RoleOutcome> decide, Func<RoleOutcome.Changed, CancellationToken, ValueTask> before,
        CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > options.Value.WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new RolesBusyException();
        }
        try
        {
            await _turn.WaitAsync(cancellationToken);
            try
            {
                return await TryAsync(decide, before, cancellationToken);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<RoleOutcome> TryAsync(
        Func<RoleBook, RoleOutcome> decide, Func<RoleOutcome.Changed, CancellationToken, ValueTask> before,
        CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var (there, version) = await ReadAsync(cancellationToken);
            RoleBook book = new(
                access.Current.Document, there, time.GetUtcNow(), options.Value.ApprovalTimeMax);
            var outcome = decide(book);
            if (outcome is not RoleOutcome.Changed changed)
                return outcome;
            var signed = signer.Sign(changed.Next);
            if (tries == 0)
                await before(changed, cancellationToken);
            if (await WriteAsync(signed, version, cancellationToken))
                return outcome;
        }
        throw new RolesUnavailableException("Others changed roles all the time; nothing was written.");
    }

    private async Task<(RolesDocument Document, string Version)> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var record = await records.GetAsync(
                ControlData.RolesKey, RecordCodec.Bytes, cancellationToken: cancellationToken);
            // None: the first, or the store began anew; then what is in use goes on, versions never go back.
            return record is null
                ? (access.Current.Granted, "0")
                : (signer.Read(record.Value), record.Version);
        }
        catch (ControlContentException e)
        {
            throw new RolesDamagedException($"The record {ControlData.RolesKey} is not taken: {e.Message}", e);
        }
        catch (Exception e) when (e is RecordsUnavailableException or RecordsRefusedException)
        {
            throw new RolesUnavailableException($"Roles could not be read: {e.Message}", e);
        }
    }

    private async Task<bool> WriteAsync(
        SignedContent signed, string expectedVersion, CancellationToken cancellationToken)
    {
        if (signed.Jws.Length > SignedContent.BytesMax)
            throw new RolesUnavailableException("The record would be larger than records may be: revoke some roles.");
        try
        {
            return await records.PutAsync(ControlData.RolesKey, signed.Jws, RecordCodec.Bytes, expectedVersion,
                    cancellationToken: cancellationToken) switch
                {
                    WriteOutcome.Done => true,
                    WriteOutcome.Conflict => false,
                    WriteOutcome.NotDone none => throw new RolesUnavailableException(
                        $"Nothing was written: {none.Why}"),
                    WriteOutcome.Unconfirmed => throw new RolesUnavailableException(
                        "It is written, and not yet confirmed by another region: ask again with the same request_id."),
                    WriteOutcome.Unknown unknown => throw new RolesUnavailableException(
                        $"Whether it was written is not known ({unknown.Why}): ask again with the same request_id."),
                    var other => throw new InvalidOperationException($"{other} is no outcome of a write."),
                };
        }
        catch (RecordsRefusedException e)
        {
            throw new RolesUnavailableException($"Roles could not be written: {e.Message}", e);
        }
    }
}

/// <summary>More changes wait than may.</summary>
internal sealed class RolesBusyException : Exception;
