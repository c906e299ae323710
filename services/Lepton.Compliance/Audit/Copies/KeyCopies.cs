using Google.Protobuf;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>Persons' keys on their way to holders of copies.</summary>
internal static class KeyCopies
{
    /// <summary>The keys that an entry names.</summary>
    public static IEnumerable<Guid> IdsOf(AuditEntry entry) =>
        ((SealedPerson?[])[entry.Actor, entry.Subject]).OfType<SealedPerson>()
            .Where(p => p.KeyId.Length == PersonKey.IdBytes).Select(p => new Guid(p.KeyId.Span, bigEndian: true));

    /// <summary>Null: it was destroyed meanwhile.</summary>
    public static PersonKeyCopy? Write(PersonKey key)
    {
        PersonKeyCopy copy = new()
        {
            KeyId = ByteString.CopyFrom(key.Id.ToByteArray(bigEndian: true)),
            Handle = ByteString.CopyFrom(key.Handle.ToBytes()), Key = ByteString.CopyFrom(key.Key), Log = key.Log,
        };
        return key.IsDestroyed ? null : copy;
    }

    /// <summary>What came; null: it is none.</summary>
    public static PersonKey? Read(PersonKeyCopy copy) =>
        copy.KeyId.Length != PersonKey.IdBytes || copy.Handle.Length != PersonHandle.Bytes
        || copy.Key.Length != PersonKey.KeyBytes || copy.Log.Length is 0 or > 100
            ? null
            : new PersonKey(new Guid(copy.KeyId.Span, bigEndian: true), PersonHandle.Of(copy.Handle.Span), copy.Log,
                copy.Key.ToByteArray());
}
