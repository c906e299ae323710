using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Sealing;

/// <summary>Compresses, seals and opens; see <see cref="Envelope"/> for the form. Safe for concurrent use.</summary>
internal sealed class RecordSealer(
    ITopologySource topology, BlindingKey blinding, BodyCodec codec, CipherCache ciphers, Entropy entropy,
    SealingMetrics metrics) : IRecordSealer
{
    private const int NamesLengthBytes = 2;

    public ReadOnlyMemory<byte> StoredKey(ClassId recordClass, string tenant, string key)
    {
        if (topology.Current[recordClass].Keys == KeyForm.Blind)
            return blinding.OfKey(recordClass, tenant, key);
        var stored = new byte[NamesBytes(tenant, key)];
        WriteNames(stored, tenant, key);
        return stored;
    }

    public SubjectDigest DigestOf(string tenant, string subject) => blinding.OfSubject(tenant, subject);

    public StoredRecord Seal(PlainRecord record, DataKey key)
    {
        if (key.Class != record.Class)
            throw new ArgumentException($"Key {key.Id.Value} is not of class {record.Class.Value}.", nameof(key));
        var recordClass = topology.Current[record.Class];
        var isBlind = recordClass.Keys == KeyForm.Blind;
        var headLength = isBlind ? NamesLengthBytes + NamesBytes(record.Tenant, record.Key) : 0;
        var length = headLength + record.Value.Length;
        if (length > BodyCodec.PayloadBytesMax)
            throw new ArgumentException(
                $"A value takes at most 1 MiB; not {record.Value.Length} bytes.", nameof(record));
        var plain = isBlind ? ArrayPool<byte>.Shared.Rent(length) : null;
        var inside = ArrayPool<byte>.Shared.Rent(Envelope.InsideHeadBytes + length);
        try
        {
            var payload = plain is null ? record.Value.Span : WritePayload(plain.AsSpan(0, length), record, headLength);
            var insideLength = Pack(recordClass.Name, record.Value.Span, payload, isBlind, inside);
            metrics.Sealed(length, insideLength);
            return Seal(record, key.Id, inside.AsSpan(0, insideLength));
        }
        finally
        {
            // Others rent these next: what was personal in them is gone.
            CryptographicOperations.ZeroMemory(inside.AsSpan(0, Envelope.InsideHeadBytes + length));
            ArrayPool<byte>.Shared.Return(inside);
            if (plain is not null)
            {
                CryptographicOperations.ZeroMemory(plain.AsSpan(0, length));
                ArrayPool<byte>.Shared.Return(plain);
            }
        }
    }

    public OpenedRecord Open(StoredRecord record)
    {
        var opened = OpenSealed(record);
        metrics.Opened(opened.State);
        if (opened.State is OpenState.Opened or OpenState.Damaged)
            return opened;
        var (tenant, key) = ClearNames(record);
        return opened with { Tenant = tenant, Key = key };
    }

    private StoredRecord Seal(PlainRecord record, KeyId keyId, ReadOnlySpan<byte> inside)
    {
        var body = new byte[Envelope.HeadBytes + inside.Length + Envelope.TagBytes];
        body[0] = Envelope.Format;
        var nonce = body.AsSpan(1, Envelope.NonceBytes);
        entropy.Fill(nonce);
        Span<byte> associated = stackalloc byte[Envelope.AssociatedBytesMax];
        var associatedLength = Envelope.WriteAssociated(
            associated, record.Class, record.Slot, record.Version, record.Kind, keyId, record.RequestId,
            record.StoredKey.Span);
        var state = ciphers.Rent(keyId, out var lease);
        if (state == KeyState.Erased)
            throw new KeyErasedException(keyId);
        if (state != KeyState.Live)
            throw new InvalidOperationException($"Data key {keyId.Value} is not of this node's store.");
        using (lease)
        {
            lease.Cipher.Encrypt(nonce, inside, body.AsSpan(Envelope.HeadBytes, inside.Length),
                body.AsSpan(Envelope.HeadBytes + inside.Length), associated[..associatedLength]);
        }
        var digest = new byte[SHA256.HashSizeInBytes];
        StoredRecord made = new()
        {
            Class = record.Class, Slot = record.Slot, Key = record.StoredKey, Version = record.Version,
            Kind = record.Kind, KeyId = keyId, Body = body, RequestId = record.RequestId, Sha256 = digest,
        };
        StoredRecord.Digest(made, digest);
        return made;
    }

    private int Pack(
        string className, ReadOnlySpan<byte> value, ReadOnlySpan<byte> payload, bool isBlind, Span<byte> inside)
    {
        var to = inside[Envelope.InsideHeadBytes..];
        var length = codec.Compress(className, value, payload, to, out var how, out var dictionary);
        if (how == Compression.None)
        {
            payload.CopyTo(to);
            length = payload.Length;
        }
        inside[0] = (byte)((byte)how | (isBlind ? Envelope.NamesInside : 0));
        inside[1] = dictionary;
        return Envelope.InsideHeadBytes + length;
    }

    private OpenedRecord OpenSealed(StoredRecord record)
    {
        if (record.Key.Length > StoredRecord.KeyBytesMax || !record.IsIntact)
            return Not(OpenState.Damaged);
        if (record.Body.IsEmpty)
            return Not(OpenState.Erased);
        var body = record.Body.Span;
        var length = body.Length - Envelope.HeadBytes - Envelope.TagBytes;
        if (length < Envelope.InsideHeadBytes || length > Envelope.InsideHeadBytes + BodyCodec.PayloadBytesMax
            || body[0] != Envelope.Format)
            return Not(OpenState.Damaged);
        switch (ciphers.Rent(record.KeyId, out var lease))
        {
            case KeyState.Erased:
                return Not(OpenState.Erased);
            case KeyState.Unknown:
                return Not(OpenState.KeyMissing);
        }
        var rented = ArrayPool<byte>.Shared.Rent(length);
        var inside = rented.AsSpan(0, length);
        try
        {
            using (lease)
                return Decrypt(record, lease.Cipher, inside) ? Unpack(record, inside) : Not(OpenState.Damaged);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(inside);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static bool Decrypt(StoredRecord record, AesGcm cipher, Span<byte> inside)
    {
        var body = record.Body.Span;
        Span<byte> associated = stackalloc byte[Envelope.AssociatedBytesMax];
        var associatedLength = Envelope.WriteAssociated(
            associated, record.Class, record.Slot, record.Version, record.Kind, record.KeyId, record.RequestId,
            record.Key.Span);
        try
        {
            cipher.Decrypt(body.Slice(1, Envelope.NonceBytes), body[Envelope.HeadBytes..^Envelope.TagBytes],
                body[^Envelope.TagBytes..], inside, associated[..associatedLength]);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    private OpenedRecord Unpack(StoredRecord record, ReadOnlySpan<byte> inside)
    {
        var how = (Compression)(inside[0] & ~Envelope.NamesInside);
        if (codec.Decompress(how, inside[1], inside[Envelope.InsideHeadBytes..]) is not { } payload)
            return Not(OpenState.Damaged);
        if ((inside[0] & Envelope.NamesInside) == 0)
        {
            var (tenant, key) = SplitNames(record.Key.Span);
            return new OpenedRecord(OpenState.Opened, tenant, key, payload);
        }
        if (payload.Length < NamesLengthBytes)
            return Not(OpenState.Damaged);
        var namesLength = BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (payload.Length < NamesLengthBytes + namesLength)
            return Not(OpenState.Damaged);
        var (ownTenant, ownKey) = SplitNames(payload.AsSpan(NamesLengthBytes, namesLength));
        return new OpenedRecord(
            OpenState.Opened, ownTenant, ownKey, payload.AsMemory(NamesLengthBytes + namesLength));
    }

    // Of a class that this node does not know nothing can be said.
    private (string Tenant, string Key) ClearNames(StoredRecord record) =>
        record.Class.Value < topology.Current.Classes.Count && record.Class.Value >= 0
            && topology.Current[record.Class].Keys == KeyForm.Clear
            ? SplitNames(record.Key.Span)
            : ("", "");

    private static OpenedRecord Not(OpenState state) => new(state, "", "", default);

    private static int NamesBytes(string tenant, string key) =>
        Encoding.UTF8.GetByteCount(tenant) + 1 + Encoding.UTF8.GetByteCount(key);

    private static void WriteNames(Span<byte> to, string tenant, string key)
    {
        var length = Encoding.UTF8.GetBytes(tenant, to);
        to[length] = (byte)'/';
        Encoding.UTF8.GetBytes(key, to[(length + 1)..]);
    }

    private static ReadOnlySpan<byte> WritePayload(Span<byte> payload, PlainRecord record, int headLength)
    {
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)(headLength - NamesLengthBytes));
        WriteNames(payload[NamesLengthBytes..headLength], record.Tenant, record.Key);
        record.Value.Span.CopyTo(payload[headLength..]);
        return payload;
    }

    // A tenant's name has no slash.
    private static (string Tenant, string Key) SplitNames(ReadOnlySpan<byte> names)
    {
        var slash = names.IndexOf((byte)'/');
        return slash < 0
            ? ("", Encoding.UTF8.GetString(names))
            : (Encoding.UTF8.GetString(names[..slash]), Encoding.UTF8.GetString(names[(slash + 1)..]));
    }
}
