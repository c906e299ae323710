using Lepton.Sync.Client;

namespace Lepton.Compliance.Policies;

/// <summary>A record and its version in the store; <c>0</c>: there is none.</summary>
internal readonly record struct Kept<T>(T? Value, string Version) where T : class
{
    public const string None = "0";
}

/// <summary>
/// Where versions and orders are kept: small records, written only when they are as they were read.
/// </summary>
internal interface IPolicyStore
{
    /// <exception cref="Grpc.Core.RpcException">RECORDS_UNAVAILABLE.</exception>
    Task<Kept<PolicyRecord>> FindAsync(long version, CancellationToken cancellationToken);

    /// <summary>False: it is another by now.</summary>
    Task<bool> WriteAsync(PolicyRecord record, string expectedVersion, CancellationToken cancellationToken);

    Task<Kept<PolicyIndex>> IndexAsync(CancellationToken cancellationToken);

    Task<bool> WriteIndexAsync(PolicyIndex index, string expectedVersion, CancellationToken cancellationToken);

    /// <summary>The signed record that services follow, as it is kept.</summary>
    Task<Kept<byte[]>> ActiveAsync(CancellationToken cancellationToken);

    Task<bool> ActivateAsync(byte[] jws, string expectedVersion, CancellationToken cancellationToken);
}

/// <summary>Records of class <c>global</c> in Sync.</summary>
internal sealed class RecordPolicyStore(GlobalRecords records) : IPolicyStore
{
    private const string IndexKey = "policies/index";

    private static readonly IRecordCodec<PolicyRecord> Policies = RecordCodec.Json(PolicyJson.Default.PolicyRecord);
    private static readonly IRecordCodec<PolicyIndex> Indexes = RecordCodec.Json(PolicyJson.Default.PolicyIndex);

    public static string KeyOf(long version) => $"policies/{version}";

    public Task<Kept<PolicyRecord>> FindAsync(long version, CancellationToken cancellationToken) =>
        ReadAsync(KeyOf(version), Policies, cancellationToken);

    public Task<bool> WriteAsync(PolicyRecord record, string expectedVersion, CancellationToken cancellationToken) =>
        PutAsync(KeyOf(record.Version), record, Policies, expectedVersion, cancellationToken);

    public Task<Kept<PolicyIndex>> IndexAsync(CancellationToken cancellationToken) =>
        ReadAsync(IndexKey, Indexes, cancellationToken);

    public Task<bool> WriteIndexAsync(
        PolicyIndex index, string expectedVersion, CancellationToken cancellationToken) =>
        PutAsync(IndexKey, index, Indexes, expectedVersion, cancellationToken);

    public async Task<Kept<byte[]>> ActiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var found = await records.GetAsync(
                ControlData.PolicyKey, RecordCodec.Bytes, cancellationToken: cancellationToken);
            return found is null ? new(null, Kept<byte[]>.None) : new(found.Value.ToArray(), found.Version);
        }
        catch (Exception e) when (e is RecordsUnavailableException or RecordsRefusedException)
        {
            throw PolicyErrors.RecordsUnavailable(e.Message);
        }
    }

    public Task<bool> ActivateAsync(byte[] jws, string expectedVersion, CancellationToken cancellationToken) =>
        PutAsync(ControlData.PolicyKey, (ReadOnlyMemory<byte>)jws, RecordCodec.Bytes, expectedVersion,
            cancellationToken);

    private async Task<Kept<T>> ReadAsync<T>(
        string key, IRecordCodec<T> codec, CancellationToken cancellationToken) where T : class
    {
        try
        {
            var found = await records.GetAsync(key, codec, cancellationToken: cancellationToken);
            return found is null ? new(null, Kept<T>.None) : new(found.Value, found.Version);
        }
        catch (Exception e) when (e is RecordsUnavailableException or RecordsRefusedException)
        {
            throw PolicyErrors.RecordsUnavailable(e.Message);
        }
    }

    // What is not known to be written is told so, with the same call to be made again: each is a write of what is
    // expected to be there, so that a repetition does no harm.
    private async Task<bool> PutAsync<T>(
        string key, T value, IRecordCodec<T> codec, string expectedVersion, CancellationToken cancellationToken)
    {
        try
        {
            return await records.PutAsync(key, value, codec, expectedVersion, null, cancellationToken) switch
            {
                WriteOutcome.Done => true,
                WriteOutcome.Conflict => false,
                var other => throw PolicyErrors.RecordsUnavailable($"{key} is not known to be written: {other}"),
            };
        }
        catch (RecordsRefusedException e)
        {
            throw PolicyErrors.RecordsUnavailable(e.Message);
        }
    }
}
