using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// Header blocks (RFC 7541) of requests that differ in deadline, traceparent and token. What repeats is put into the
/// dynamic table by the first block and named by its index from then on, as gRPC clients do.
/// </summary>
internal sealed class RequestBlock
{
    private readonly byte[] _block = new byte[1024];
    private readonly byte[][] _tokens = [.. Settings.Tokens().Select(t => Encoding.ASCII.GetBytes("Bearer " + t))];
    private readonly string _authority;
    private readonly byte[] _trace = Encoding.ASCII.GetBytes(
        $"00-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}-0000000000000000-00");

    private int _count, _length;

    public RequestBlock(string authority) => _authority = authority;

    public ReadOnlySpan<byte> Next()
    {
        _length = 0;
        Put([0x83, 0x86]); // :method POST, :scheme http
        if (_count++ == 0)
        {
            PutIndexed([0x44], Settings.Path);
            PutIndexed([0x41], _authority);
            PutIndexed([0x5F], "application/grpc");
            Put([0x40]);
            PutText("te"u8);
            PutText("trailers"u8);
        }
        else
            Put([0xC1, 0xC0, 0xBF, 0xBE]); // the four, first in, highest index
        Put([0x00]);
        PutText("grpc-timeout"u8);
        Span<byte> timeout = stackalloc byte[8];
        Utf8Formatter.TryFormat(9_000_000 + (_count % 999_983), timeout, out int digits);
        timeout[digits++] = (byte)'u';
        PutText(timeout[..digits]);
        Put([0x00]);
        PutText("traceparent"u8);
        Utf8Formatter.TryFormat((ulong)_count, _trace.AsSpan(36, 16), out _, new('x', 16));
        PutText(_trace);
        Put([0x0F, 0x08]); // authorization
        PutText(_tokens[_count % _tokens.Length]);
        return _block.AsSpan(0, _length);
    }

    private void PutIndexed(ReadOnlySpan<byte> name, string value)
    {
        Put(name);
        PutText(Encoding.ASCII.GetBytes(value));
    }

    // Lengths here are below 127: one byte, no Huffman coding.
    private void PutText(ReadOnlySpan<byte> text)
    {
        Put([(byte)text.Length]);
        Put(text);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_block.AsSpan(_length));
        _length += bytes.Length;
    }
}
