using System.Buffers;
using System.IO.Pipelines;

namespace Lepton.Routing.Gateway;

/// <summary>
/// The first bytes of an answer, held back until it is whole or too long to hold: up to then the caller has seen
/// nothing, and another place may answer instead. Pooled memory that grows with what comes.
/// </summary>
internal sealed class HeldAnswer
{
    private const int FirstRent = 4 << 10;

    private byte[] _buffer = [];
    private int _length;

    /// <summary>All of it is here, and its trailers are.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Reads until the end, or until <paramref name="bytesMax"/> bytes are held.</summary>
    public async ValueTask FillAsync(HttpResponseMessage answer, int bytesMax, CancellationToken cancellation)
    {
        if (AnswerRelay.TrailersOnlyStatus(answer) is not null)
        {
            IsWhole = true;
            return;
        }
        Stream body = await answer.Content.ReadAsStreamAsync(cancellation); // the answer's own: disposed with it
        while (_length < bytesMax)
        {
            if (_length == _buffer.Length)
                Grow(bytesMax);
            int room = Math.Min(_buffer.Length, bytesMax) - _length;
            int read = await body.ReadAsync(_buffer.AsMemory(_length, room), cancellation);
            if (read == 0)
            {
                IsWhole = true;
                return;
            }
            _length += read;
        }
    }

    /// <summary>Hands over what is held.</summary>
    public void CopyTo(PipeWriter to)
    {
        if (_length > 0)
            to.Write(_buffer.AsSpan(0, _length));
    }

    /// <summary>Gives the memory back. Nothing may still be reading into it.</summary>
    public void Return()
    {
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Grow(int bytesMax)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(_length == 0
            ? Math.Min(FirstRent, bytesMax)
            : (int)Math.Min(2L * _length, bytesMax));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        Return();
        _buffer = larger;
    }
}
