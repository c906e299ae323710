using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Search;

/// <summary>Makes a stored entry readable: persons' fields are opened as long as their keys are here.</summary>
internal sealed class EntryOpener(PersonKeys keys)
{
    private static readonly byte[] ActorField = "actor"u8.ToArray(), SubjectField = "subject"u8.ToArray();

    /// <exception cref="InvalidDataException">The stored bytes are no entry.</exception>
    public FoundEntry Open(StoredEntry stored)
    {
        AuditEntry entry;
        try
        {
            entry = AuditEntry.Parser.ParseFrom(stored.Bytes);
        }
        catch (Google.Protobuf.InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"Entry {stored.Columns.Sequence} cannot be read.", e);
        }
        FoundEntry found = new()
        {
            Log = entry.Log, Sequence = (ulong)stored.Columns.Sequence,
            WriteTime = Timestamp.FromDateTime(EntryTable.TimeOf(stored.Columns.WriteTimeMicros)),
            Event = entry.Event ?? new AuditEvent(),
        };
        if (entry.Actor is { } actor)
        {
            if (Open(actor, ActorField) is { } bytes)
                found.Event.Actor = AuditActor.Parser.ParseFrom(bytes);
            else
                found.ActorErased = true;
        }
        if (entry.Subject is { } subject)
        {
            if (Open(subject, SubjectField) is { } bytes)
                found.Event.Subject = System.Text.Encoding.UTF8.GetString(bytes);
            else
                found.SubjectErased = true;
        }
        return found;
    }

    private byte[]? Open(SealedPerson person, byte[] field) => person.KeyId.Length == PersonKey.IdBytes
        ? keys.Find(new Guid(person.KeyId.Span, bigEndian: true))?.Open(person, field)
        : null;
}
