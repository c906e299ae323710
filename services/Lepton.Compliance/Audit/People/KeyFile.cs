using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Audit.People;

/// <summary>What a key file says: a key, or (no key) the id of one that is destroyed.</summary>
internal sealed record KeyItem(Guid Id, PersonKey? Key);

/// <summary>
/// Persons' keys in a file, <c>keys-N</c>, of frames sealed with the key in <c>kek-N</c>, which the region's secret
/// seals. Appending is one frame and one flush; destroying writes all others anew under a new N and shreds both
/// former files, so that no copy of the blocks can be read. Frame: length (4 bytes, big-endian), nonce (12), items
/// sealed, tag (16); its place in the file and N are associated data. Used by one at a time.
/// </summary>
/// <param name="folder">The process' own.</param>
/// <param name="secret">The region's, 32 bytes.</param>
internal sealed class KeyFile(string folder, byte[] secret) : IDisposable
{
    private const int NonceBytes = 12, TagBytes = 16, LengthBytes = 4;
    private const byte KeyType = 1, DestroyedType = 2;
    private const int ItemsOfFrameMax = 10_000;

    private readonly AesGcm _secret = new(
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "lepton/audit/key-file/v1"u8.ToArray()), TagBytes);

    private AesGcm? _cipher;
    private FileStream? _file;
    private int _epoch;
    private int _frames;

    /// <summary>Reads what is there; nothing: begins.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or sealed with another secret.</exception>
    public IReadOnlyList<KeyItem> Load()
    {
        SecretFolder.Ensure(folder);
        _epoch = Directory.EnumerateFiles(folder, "keys-*").Select(EpochOf).DefaultIfEmpty(0).Max();
        foreach (var file in Directory.GetFiles(folder))
            if (EpochOf(file) != _epoch || _epoch == 0)
                SecretFolder.Shred(file); // what a crash left of the next epoch, or of the former
        if (_epoch == 0)
        {
            Begin(1, []);
            return [];
        }
        _cipher = new AesGcm(ReadKek(), TagBytes);
        _file = new FileStream(KeysFile(_epoch), FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 0);
        return ReadFrames();
    }

    /// <summary>Adds items; on disk when it returns.</summary>
    public void Append(IReadOnlyList<KeyItem> items)
    {
        var (file, start) = (_file ?? throw new InvalidOperationException("Load first."), _file.Position);
        try
        {
            foreach (var chunk in items.Chunk(ItemsOfFrameMax))
                file.Write(Seal(chunk, _frames++));
            file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            // What came to the disk of it must not stay before what comes next.
            file.SetLength(start);
            file.Position = start;
            _frames -= items.Chunk(ItemsOfFrameMax).Count();
            throw;
        }
    }

    /// <summary>Writes all anew, without what is not among these.</summary>
    public void Rewrite(IReadOnlyList<KeyItem> items)
    {
        var (former, file, cipher, frames) = (_epoch, _file, _cipher, _frames);
        try
        {
            Begin(former + 1, items);
        }
        catch (IOException)
        {
            (_epoch, _file, _cipher, _frames) = (former, file, cipher, frames); // goes on with what it had
            throw;
        }
        file?.Dispose();
        cipher?.Dispose();
        SecretFolder.Shred(KekFile(former));
        SecretFolder.Shred(KeysFile(former));
    }

    public void Dispose()
    {
        _file?.Dispose();
        _cipher?.Dispose();
        _secret.Dispose();
    }

    private void Begin(int epoch, IReadOnlyList<KeyItem> items)
    {
        var kek = RandomNumberGenerator.GetBytes(32);
        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        byte[] wrapped = new byte[kek.Length], tag = new byte[TagBytes];
        _secret.Encrypt(nonce, kek, wrapped, tag, Bound(epoch, -1));
        SecretFolder.Replace(KekFile(epoch), [.. nonce, .. wrapped, .. tag]);
        _cipher = new AesGcm(kek, TagBytes);
        CryptographicOperations.ZeroMemory(kek);
        (_epoch, _frames) = (epoch, 0);
        // The epoch counts from when this file has its name.
        var next = Path.Combine(folder, $"next-{epoch.ToString(CultureInfo.InvariantCulture)}");
        SecretFolder.Shred(next);
        _file = SecretFolder.Create(next);
        foreach (var chunk in items.Chunk(ItemsOfFrameMax))
            _file.Write(Seal(chunk, _frames++));
        _file.Flush(flushToDisk: true);
        File.Move(next, KeysFile(epoch));
        DurableFolder.Flush(folder);
    }

    private byte[] ReadKek()
    {
        var bytes = File.ReadAllBytes(KekFile(_epoch));
        var kek = new byte[32];
        try
        {
            _secret.Decrypt(bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes, kek.Length),
                bytes.AsSpan(NonceBytes + kek.Length), kek, Bound(_epoch, -1));
            return kek;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException(
                $"{KekFile(_epoch)} is damaged, or Compliance:Audit:SecretFile is not what sealed it.", e);
        }
    }

    private List<KeyItem> ReadFrames()
    {
        var (file, cipher) = (_file ?? throw new InvalidOperationException(), _cipher);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        List<KeyItem> items = [];
        var at = 0;
        for (_frames = 0; at < bytes.Length; _frames++)
        {
            var rest = bytes.AsSpan(at);
            var length = rest.Length < LengthBytes ? int.MaxValue : BinaryPrimitives.ReadInt32BigEndian(rest);
            var isWhole = length is > NonceBytes + TagBytes && length <= rest.Length - LengthBytes;
            if (!isWhole || Open(rest.Slice(LengthBytes, length), cipher) is not { } plain)
            {
                // Only the last can be torn by a crash: then nobody was told that it is durable.
                if (isWhole && LengthBytes + length < rest.Length)
                    throw new InvalidDataException($"{KeysFile(_epoch)} is damaged at byte {at}.");
                break;
            }
            ReadItems(plain, items);
            at += LengthBytes + length;
        }
        file.SetLength(at);
        file.Position = at;
        return items;
    }

    private byte[]? Open(ReadOnlySpan<byte> frame, AesGcm? cipher)
    {
        var plain = new byte[frame.Length - NonceBytes - TagBytes];
        try
        {
            cipher?.Decrypt(frame[..NonceBytes], frame.Slice(NonceBytes, plain.Length), frame[^TagBytes..], plain,
                Bound(_epoch, _frames));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private byte[] Seal(IReadOnlyList<KeyItem> items, int frame)
    {
        using MemoryStream plain = new();
        foreach (var item in items)
        {
            plain.WriteByte(item.Key is null ? DestroyedType : KeyType);
            plain.Write(item.Id.ToByteArray(bigEndian: true));
            if (item.Key is not { } key)
                continue;
            plain.Write(key.Handle.ToBytes());
            plain.Write(key.Key);
            var log = Encoding.UTF8.GetBytes(key.Log);
            plain.WriteByte(checked((byte)log.Length));
            plain.Write(log);
        }
        var length = (int)plain.Length;
        var bytes = new byte[LengthBytes + NonceBytes + length + TagBytes];
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length - LengthBytes);
        var nonce = bytes.AsSpan(LengthBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        _cipher?.Encrypt(nonce, plain.GetBuffer().AsSpan(0, length), bytes.AsSpan(LengthBytes + NonceBytes, length),
            bytes.AsSpan(LengthBytes + NonceBytes + length), Bound(_epoch, frame));
        CryptographicOperations.ZeroMemory(plain.GetBuffer());
        return bytes;
    }

    private static void ReadItems(ReadOnlySpan<byte> plain, List<KeyItem> items)
    {
        const int IdBytes = PersonKey.IdBytes, HandleEnd = 1 + IdBytes + PersonHandle.Bytes;
        const int KeyEnd = HandleEnd + PersonKey.KeyBytes;
        while (!plain.IsEmpty)
        {
            Guid id = new(plain.Slice(1, IdBytes), bigEndian: true);
            if (plain[0] == DestroyedType)
            {
                items.Add(new KeyItem(id, null));
                plain = plain[(1 + IdBytes)..];
                continue;
            }
            if (plain[0] != KeyType)
                throw new InvalidDataException($"The keys are of a later version: item {plain[0]}.");
            var log = Encoding.UTF8.GetString(plain.Slice(KeyEnd + 1, plain[KeyEnd]));
            items.Add(new KeyItem(id, new PersonKey(id, PersonHandle.Of(plain[(1 + IdBytes)..HandleEnd]), log,
                plain[HandleEnd..KeyEnd].ToArray())));
            plain = plain[(KeyEnd + 1 + plain[KeyEnd])..];
        }
    }

    private static byte[] Bound(int epoch, int frame)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(bytes, epoch);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), frame);
        return bytes;
    }

    private static int EpochOf(string file) => int.TryParse(
        Path.GetFileName(file).Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;

    private string KekFile(int epoch) => Path.Combine(folder, $"kek-{epoch.ToString(CultureInfo.InvariantCulture)}");

    private string KeysFile(int epoch) => Path.Combine(folder, $"keys-{epoch.ToString(CultureInfo.InvariantCulture)}");
}
