namespace Lepton.ServiceDefaults;

/// <summary>
/// Which numbers of one sender were taken: each once. What is more than 65,536 behind the highest is refused too, for
/// nothing is known of it any more (RFC 4303, 3.4.3, with a window for many requests under way). 8 KiB; no allocation.
/// </summary>
internal sealed class ReplayWindow
{
    public const int Size = 1 << 16;

    private readonly ulong[] _words = new ulong[Size / 64];
    private readonly Lock _lock = new();
    private ulong _highest;

    /// <summary>Takes a number; false: it was taken before, is too far behind, or is 0.</summary>
    public bool TryTake(ulong number)
    {
        if (number == 0)
            return false;
        lock (_lock)
        {
            if (number > _highest)
                Advance(number);
            else if (_highest - number >= Size)
                return false;
            ref ulong word = ref _words[number / 64 % (Size / 64)];
            ulong bit = 1UL << (int)(number % 64);
            if ((word & bit) != 0)
                return false;
            word |= bit;
            return true;
        }
    }

    // The numbers between were not seen: their bits are those of numbers a window before them.
    private void Advance(ulong to)
    {
        if (to - _highest >= Size)
            Array.Clear(_words);
        else
            for (ulong number = _highest + 1; number <= to; number++)
                _words[number / 64 % (Size / 64)] &= ~(1UL << (int)(number % 64));
        _highest = to;
    }
}
