using System.Text;
using Google.Protobuf;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit.Sequencing;

/// <summary>An event ready to be written: only its place and the time of writing are missing.</summary>
/// <param name="Id">The event's.</param>
/// <param name="Columns">Sequence and write time are 0.</param>
/// <param name="Tail">The entry's fields after those, as bytes.</param>
internal sealed record PreparedEvent(UInt128 Id, EntryColumns Columns, byte[] Tail);

/// <summary>
/// Seals what names a person and makes the stored bytes, beside the sequencer: many do this at a time. A person's key
/// is on disk before this returns.
/// </summary>
internal sealed class EventPreparer(PersonKeys keys)
{
    private static readonly byte[] ActorField = "actor"u8.ToArray(), SubjectField = "subject"u8.ToArray();

    /// <exception cref="KeyStoreException">The keys cannot be kept.</exception>
    public IReadOnlyList<PreparedEvent> Prepare(IReadOnlyList<AuditEvent> events)
    {
        var people = events.Select(e => (Actor: PersonOf(e), Subject: SubjectOf(e))).ToArray();
        var found = keys.Ensure(
            [.. people.SelectMany(p => (PersonHandle?[])[p.Actor, p.Subject]).OfType<PersonHandle>()]);
        return [.. events.Select((e, i) => Prepare(e, people[i].Actor, people[i].Subject, found))];
    }

    // A key that an erasure destroyed meanwhile is followed by a new one.
    private SealedPerson Seal(
        PersonHandle person, byte[] plain, byte[] field, IReadOnlyDictionary<PersonHandle, PersonKey> found)
    {
        var key = found[person];
        while (true)
        {
            if (key.Seal(plain, field) is { } done)
                return done;
            key = keys.Ensure([person])[person];
        }
    }

    private PreparedEvent Prepare(
        AuditEvent e, PersonHandle? actor, PersonHandle? subject, IReadOnlyDictionary<PersonHandle, PersonKey> found)
    {
        AuditEntry entry = new() { Event = Bare(e) };
        if (actor is { } a)
            entry.Actor = Seal(a, e.Actor.ToByteArray(), ActorField, found);
        if (subject is { } s)
            entry.Subject = Seal(s, Encoding.UTF8.GetBytes(e.Subject), SubjectField, found);
        var tail = entry.ToByteArray();
        // Columns are made once, of what is stored; the two that are not known yet are put in by the sequencer.
        entry.WriteTime = new Google.Protobuf.WellKnownTypes.Timestamp();
        var columns = EntryColumns.Of(entry);
        Span<byte> id = stackalloc byte[16];
        columns.EventId.TryWriteBytes(id, bigEndian: true, out _);
        return new PreparedEvent(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(id), columns, tail);
    }

    // Without persons, details in the order of their names: the same event is the same bytes.
    private static AuditEvent Bare(AuditEvent e)
    {
        AuditEvent bare = e.Clone();
        bare.Subject = "";
        if (bare.Actor is { Service: false })
            bare.Actor = null;
        if (bare.Details.Count > 1)
        {
            var sorted = bare.Details.OrderBy(d => d.Key, StringComparer.Ordinal).ToArray();
            bare.Details.Clear();
            foreach (var (name, value) in sorted)
                bare.Details.Add(name, value);
        }
        return bare;
    }

    // Who could not be named is at least known by where he came from.
    private PersonHandle? PersonOf(AuditEvent e) => e.Actor is not { Service: false } actor ? null
        : actor.Principal.Length > 0 ? keys.HandleOf(e.Tenant, actor.Principal)
        : actor.Address.Length > 0 ? keys.HandleOf(e.Tenant, "address/" + actor.Address)
        : actor.CalculateSize() > 0 ? keys.HandleOf(e.Tenant, "") : null;

    private PersonHandle? SubjectOf(AuditEvent e) =>
        e.Subject.Length > 0 ? keys.HandleOf(e.Tenant, e.Subject) : null;
}
