using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>What was found of an export.</summary>
/// <param name="Header">Its first line; null: it could not be read.</param>
/// <param name="Head">Its head; null: there is none.</param>
/// <param name="Entries">Entries whose bytes were there and proven.</param>
/// <param name="Leaves">Hashes that stood for entries.</param>
/// <param name="Witnesses">Whose words for the head are good.</param>
/// <param name="Faults">What is wrong, at most 100 of it; none: it is what the log had.</param>
public sealed record ExportReport(
    ExportHeader? Header, TreeHead? Head, long Entries, long Leaves, IReadOnlyList<string> Witnesses,
    IReadOnlyList<string> Faults)
{
    /// <summary>Nothing was changed, removed, reordered or cut off.</summary>
    public bool IsGood => Faults.Count == 0;
}

/// <summary>
/// Verifies an export with nothing but it and the installation's certificate authority: every entry is in the tree that
/// the log signed and others witnessed, in its place, without gaps (of a range), and its columns say what its bytes
/// say.
/// </summary>
/// <param name="authority">The installation's certificate authority.</param>
/// <param name="since">A head that was kept earlier: the log must still begin with it. Null: none.</param>
/// <param name="witnessesMin">How many witnesses the head must have.</param>
public sealed class ExportVerifier(X509Certificate2 authority, TreeHead? since, int witnessesMin)
{
    private const int FaultsMax = 100, LineCharactersMax = 8 << 20;

    private readonly List<string> _faults = [];
    private readonly List<string> _witnesses = [];
    private readonly Dictionary<long, IReadOnlyList<byte[]>> _consistency = [];
    private readonly List<(long Sequence, byte[] Leaf, IReadOnlyList<byte[]> Proof)> _proofs = [];
    private ExportHeader? _header;
    private TreeHead? _head;
    private RangeTree? _range;
    private byte[]? _root;
    private long _entries, _leaves, _last;
    private bool _hasEnd;

    /// <summary>Reads it once, from its beginning. A verifier is for one export.</summary>
    public async Task<ExportReport> VerifyAsync(Stream export, CancellationToken cancellationToken)
    {
        using StreamReader reader = new(export, leaveOpen: true);
        long number = 0;
        while (await reader.ReadLineAsync(cancellationToken) is { } text)
        {
            number++;
            if (text.Length == 0)
                continue;
            if (_hasEnd)
            {
                Fault($"line {number}: something follows the end");
                break;
            }
            if (!Take(text, number))
                break;
        }
        Finish();
        return new ExportReport(_header, _head, _entries, _leaves, _witnesses, _faults);
    }

    private bool Take(string text, long number)
    {
        ExportLines.Line? line;
        try
        {
            line = text.Length > LineCharactersMax ? null
                : JsonSerializer.Deserialize<ExportLines.Line>(text, ExportLines.Json);
        }
        catch (JsonException e)
        {
            Fault($"line {number}: is no line of an export: {e.Message}");
            return false;
        }
        if (line is null || (_header is null && line.Export is null))
        {
            Fault($"line {number}: an export begins with its header ({ExportHeader.Format})");
            return false;
        }
        switch (line)
        {
            case { Export: { } header }:
                return TakeHeader(header, number);
            case { Entry: { } entry }:
                TakeEntry(entry, number);
                break;
            case { Leaf: { } leaf }:
                TakeLeaf(leaf.Sequence, leaf.Hash, null, number);
                _leaves++;
                break;
            case { Consistency: { } consistency }:
                _consistency[consistency.Size] = consistency.Proof;
                break;
            case { Head: { } head }:
                TakeHead(head, number);
                break;
            case { End: { } end }:
                _hasEnd = true;
                if (end.Entries != _entries + _leaves)
                    Fault($"it ends after {end.Entries} entries and has {_entries + _leaves}");
                break;
            default:
                Fault($"line {number}: is none of an export's lines");
                break;
        }
        return _faults.Count < FaultsMax;
    }

    private bool TakeHeader(ExportLines.HeaderLine line, long number)
    {
        if (_header is not null || line.Format != ExportHeader.Format)
        {
            Fault($"line {number}: takes one header of form {ExportHeader.Format}");
            return false;
        }
        _header = new ExportHeader(line.Log, line.Mode, line.Size, line.First, line.Last, line.Before, line.After);
        if (_header.Mode == ExportMode.Range)
        {
            _range = RangeTree.Begin(_header);
            if (_range is null)
            {
                Fault($"line {number}: range {line.First} to {line.Last} of {line.Size}: the hashes before and after "
                    + "it are not as many as it takes");
                return false;
            }
        }
        return true;
    }

    private void TakeEntry(ExportLines.EntryLine line, long number)
    {
        _entries++;
        try
        {
            var entry = AuditEntry.Parser.ParseFrom(line.Bytes);
            if (entry.Log != _header?.Log)
                Fault($"line {number}: entry {line.Sequence}: its bytes are of log {entry.Log}");
            var differences = EntryColumns.Of(entry).Differences(line.Columns);
            if (differences.Count > 0 || line.Columns.Sequence != line.Sequence)
                Fault($"line {number}: entry {line.Sequence}: columns are not what its bytes say: "
                    + string.Join(", ", differences.Append("Sequence").Distinct()
                        .Where(d => d != "Sequence" || line.Columns.Sequence != (long)entry.Sequence
                            || line.Columns.Sequence != line.Sequence)));
        }
        catch (Exception e) when (e is Google.Protobuf.InvalidProtocolBufferException or InvalidDataException)
        {
            Fault($"line {number}: entry {line.Sequence}: {e.Message}");
        }
        TakeLeaf(line.Sequence, MerkleTree.HashLeaf(line.Bytes), line.Proof, number);
    }

    private void TakeLeaf(long sequence, byte[] hash, IReadOnlyList<byte[]>? proof, long number)
    {
        if (_head is not null)
            Fault($"line {number}: entries come before the head");
        if (_range is { } range)
        {
            if (sequence != range.Next)
                Fault($"line {number}: entry {sequence} is where {range.Next} should be");
            range.Append(hash);
        }
        else if (sequence <= _last)
        {
            Fault($"line {number}: entry {sequence} after {_last}: they ascend");
        }
        else if (proof is null)
        {
            Fault($"line {number}: entry {sequence} has no proof");
        }
        else
        {
            _proofs.Add((sequence, hash, proof));
            // Memory is bounded by folding each proof to the root that it claims: all must be the head's.
            CheckProofs(all: false);
        }
        _last = sequence;
    }

    private void TakeHead(ExportLines.HeadLine line, long number)
    {
        if (_head is not null)
        {
            Fault($"line {number}: a second head");
            return;
        }
        try
        {
            _head = line.ToHead();
        }
        catch (ArgumentException e)
        {
            Fault($"line {number}: the head cannot be read: {e.Message}");
            return;
        }
        if (_head.Log != _header?.Log || (long)_head.Size != _header.Size)
            Fault($"line {number}: the head is of another log or size than the export");
        if (HeadSignatures.HeadFault(_head, authority) is { } fault)
            Fault($"the head: {fault}");
        foreach (var witness in _head.Witnesses.DistinctBy(w => w.Witness))
        {
            if (HeadSignatures.WitnessFault(_head, witness, authority) is { } wrong)
                Fault($"witness {witness.Witness}: {wrong}");
            else
                _witnesses.Add(witness.Witness);
        }
    }

    private void CheckProofs(bool all)
    {
        const int Held = 1024;
        if (_proofs.Count == 0 || (!all && _proofs.Count < Held))
            return;
        var size = _header?.Size ?? 0;
        foreach (var (sequence, leaf, proof) in _proofs)
        {
            // Until the head comes, the first proof's root stands for it; the head is held against that.
            _root ??= InclusionRoot.Of(sequence - 1, size, leaf, proof);
            if (_root is null || !MerkleTree.VerifyInclusion(sequence - 1, size, leaf, proof, _root))
                Fault($"entry {sequence}: it is not in the tree of the export's head");
        }
        _proofs.Clear();
    }

    private void Finish()
    {
        if (_header is null)
        {
            Fault("it is empty");
            return;
        }
        if (!_hasEnd)
            Fault("it has no end: it was cut off");
        if (_head is null)
        {
            Fault("it has no head");
            return;
        }
        CheckProofs(all: true);
        if (_range is { } range)
        {
            if (range.Next != _header.Last + 1)
                Fault($"it ends at entry {range.Next - 1} and should at {_header.Last}");
            else if (range.Root() is not { } root || !_head.Root.Span.SequenceEqual(root))
                Fault("the entries are not those of the tree that the head signs: "
                    + "one was changed, removed, added or moved");
        }
        else if (_root is not null && !_head.Root.Span.SequenceEqual(_root))
        {
            Fault("the entries are not in the tree that the head signs");
        }
        if (_witnesses.Count < witnessesMin)
            Fault($"the head has {_witnesses.Count} witnesses; {witnessesMin} are asked for");
        if (since is not null)
            CheckSince(since, _head);
    }

    private void CheckSince(TreeHead earlier, TreeHead head)
    {
        var size = (long)earlier.Size;
        if (HeadSignatures.HeadFault(earlier, authority) is { } fault)
            Fault($"the earlier head: {fault}");
        else if (earlier.Log != head.Log)
            Fault($"the earlier head is of log {earlier.Log}");
        else if (earlier.Size > head.Size)
            Fault($"the log had {earlier.Size} entries and has {head.Size}: it was cut off");
        else if (size != (long)head.Size && size != 0 && !_consistency.ContainsKey(size))
            Fault($"it has no consistency proof from size {size}: export it with that size as since");
        else if (!MerkleTree.VerifyConsistency(size, earlier.Root.Span, (long)head.Size, head.Root.Span,
            size == (long)head.Size || size == 0 ? [] : _consistency[size]))
            Fault($"the log does not begin with what it was at size {size}: it was rewritten");
    }

    private void Fault(string fault)
    {
        if (_faults.Count < FaultsMax)
            _faults.Add(fault);
    }
}
