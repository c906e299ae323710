using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Search.Exports;

/// <summary>
/// What is written goes to the caller in pieces. A piece is sent before the next is made: who reads slowly holds up
/// what is read from the database, and memory stays one piece.
/// </summary>
internal sealed class ChunkStream(IServerStreamWriter<ExportEntriesResponse> to, CancellationToken cancellation) : Stream
{
    public const int PieceBytes = 65_536;

    private readonly byte[] _piece = new byte[PieceBytes];
    private int _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var fits = Math.Min(buffer.Length, PieceBytes - _length);
            buffer[..fits].CopyTo(_piece.AsMemory(_length));
            _length += fits;
            buffer = buffer[fits..];
            if (_length == PieceBytes)
                await FlushAsync(cancellationToken);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_length == 0)
            return;
        ExportEntriesResponse response = new() { Data = ByteString.CopyFrom(_piece, 0, _length) };
        _length = 0;
        await to.WriteAsync(response, cancellation);
    }

    // Whoever writes here does so asynchronously, and says itself when it has ended.
    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
