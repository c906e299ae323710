namespace Lepton.Simulation.Sync;

/// <summary>What a client did to one key, and what it heard.</summary>
internal enum KeyAction
{
    /// <summary>Read; <see cref="KeyOperation.Value"/> is what was found.</summary>
    Read,

    /// <summary>Wrote <see cref="KeyOperation.Value"/>; null: deleted.</summary>
    Write,

    /// <summary>Wrote, on condition that the value was <see cref="KeyOperation.Expected"/>.</summary>
    Exchange,

    /// <summary>Was refused, because the value was not <see cref="KeyOperation.Expected"/>.</summary>
    Conflict,
}

/// <param name="Began">When it was sent.</param>
/// <param name="Ended">When it was answered; null: that is not known, it may happen at any time or never.</param>
/// <param name="Action">What it did.</param>
/// <param name="Value">Read or written; null: none.</param>
/// <param name="Expected">Of an exchange or a conflict; null: none.</param>
internal sealed record KeyOperation(long Began, long? Ended, KeyAction Action, string? Value, string? Expected = null);

/// <summary>
/// Is there an order of a key's operations, each at a moment between its beginning and its end, in which every answer
/// is right? (Wing and Gong 1993; states that were tried are remembered, Lowe 2017.)
/// </summary>
internal static class Linearizability
{
    /// <summary>Most operations of one history.</summary>
    public const int OperationsMax = 512;

    public static bool Holds(IReadOnlyList<KeyOperation> history)
    {
        if (history.Count > OperationsMax)
            throw new ArgumentException($"A history has at most {OperationsMax} operations.", nameof(history));
        // Whether it ever happened is not known, and nobody looked: nothing can contradict it.
        KeyOperation[] operations = [.. history.Where(o => o.Ended is not null || o.Action != KeyAction.Read)
            .OrderBy(o => o.Began)];
        HashSet<State> seen = [];
        Stack<State> open = new();
        open.Push(new State(new Members(operations.Length), null));
        while (open.TryPop(out var state))
        {
            if (!seen.Add(state))
                continue;
            var soonestEnd = long.MaxValue;
            for (var i = 0; i < operations.Length; i++)
                if (!state.Done.Has(i) && operations[i].Ended is { } end)
                    soonestEnd = Math.Min(soonestEnd, end);
            if (soonestEnd == long.MaxValue)
                return true;
            for (var i = 0; i < operations.Length && operations[i].Began <= soonestEnd; i++)
                if (!state.Done.Has(i) && TryApply(operations[i], state.Value, out var next))
                    open.Push(new State(state.Done.With(i), next));
        }
        return false;
    }

    private static bool TryApply(KeyOperation operation, string? value, out string? next)
    {
        next = operation.Action is KeyAction.Write or KeyAction.Exchange ? operation.Value : value;
        return operation.Action switch
        {
            KeyAction.Read => operation.Value == value,
            KeyAction.Write => true,
            KeyAction.Exchange => operation.Expected == value,
            _ => operation.Expected != value,
        };
    }

    private readonly record struct State(Members Done, string? Value);

    /// <summary>Which operations are in the order already.</summary>
    private readonly struct Members : IEquatable<Members>
    {
        private readonly ulong[] _bits;

        public Members(int count) => _bits = new ulong[(count + 63) / 64];

        private Members(ulong[] bits) => _bits = bits;

        public bool Has(int i) => (_bits[i / 64] & (1UL << (i % 64))) != 0;

        public Members With(int i)
        {
            ulong[] bits = [.. _bits];
            bits[i / 64] |= 1UL << (i % 64);
            return new Members(bits);
        }

        public bool Equals(Members other) => _bits.AsSpan().SequenceEqual(other._bits);

        public override bool Equals(object? obj) => obj is Members other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = new();
            foreach (var word in _bits)
                hash.Add(word);
            return hash.ToHashCode();
        }
    }
}
