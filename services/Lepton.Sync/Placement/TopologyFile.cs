using System.Security.Cryptography;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Placement;

/// <summary>The newest topology that this node knew, kept over its restarts.</summary>
internal interface ITopologyFile
{
    /// <summary>Null: there is none.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or somebody else wrote it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    Topology? Load();

    /// <summary>Durable when it returns; a crash leaves the old or the new one.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    void Save(Topology topology);
}

/// <summary>
/// A file: 8 bytes <c>LPTOPO01</c>, HMAC-SHA256 (32 bytes) of those 8 and the document, the document
/// (<see cref="TopologyDocument"/>). An older one put in its place is not found out: the store's epoch is the guard.
/// </summary>
internal sealed class TopologyFile(IOptions<PlacementOptions> options, ISnapshotKey key) : ITopologyFile
{
    private const int TagBytes = 32;
    private const int HeadBytes = 8 + TagBytes;

    private static ReadOnlySpan<byte> Magic => "LPTOPO01"u8;

    private string Path => System.IO.Path.GetFullPath(options.Value.Topology.File);

    public Topology? Load()
    {
        if (!File.Exists(Path))
            return null;
        if (new FileInfo(Path).Length is var length && length is < HeadBytes or > HeadBytes + TopologyDocument.BytesMax)
            throw new InvalidDataException($"{Path} has {length} bytes: it is no topology file.");
        var bytes = File.ReadAllBytes(Path);
        if (bytes.Length < HeadBytes || !bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            throw new InvalidDataException($"{Path} is no topology file of this version.");
        var document = bytes.AsSpan(HeadBytes);
        if (!CryptographicOperations.FixedTimeEquals(Tag(document), bytes.AsSpan(Magic.Length, TagBytes)))
            throw new InvalidDataException($"{Path} is damaged, or was not written with this node's key.");
        return TopologyDocument.Read(document);
    }

    public void Save(Topology topology)
    {
        var document = TopologyDocument.Write(topology);
        var folder = System.IO.Path.GetDirectoryName(Path) ?? "/";
        Directory.CreateDirectory(folder);
        var temporary = Path + ".new";
        File.Delete(temporary);
        var create = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var stream = new FileStream(temporary, create))
        {
            stream.Write(Magic);
            stream.Write(Tag(document));
            stream.Write(document);
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, Path, overwrite: true);
        DurableFolder.Flush(folder);
    }

    private byte[] Tag(ReadOnlySpan<byte> document) => key.Authenticate([.. Magic, .. document]);
}
