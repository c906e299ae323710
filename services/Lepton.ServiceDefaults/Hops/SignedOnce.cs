using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Signed assertions that were taken, by what they say: a signature can be written in two ways, its content cannot.
/// They are few, for calls that go to all nodes; when more are in force than are kept, none is taken.
/// </summary>
internal sealed class SignedOnce(TimeProvider time)
{
    private const int KeptMax = 10_000;

    private readonly ConcurrentDictionary<ByteString, DateTimeOffset> _taken = new();

    /// <summary>False: it was taken before, or there is no room to remember it.</summary>
    public bool TryTake(ByteString assertion, Timestamp expireTime)
    {
        if (_taken.Count >= KeptMax)
        {
            var now = time.GetUtcNow();
            foreach (var (known, expires) in _taken)
                if (now >= expires)
                    _taken.TryRemove(known, out _);
        }
        return _taken.Count < KeptMax && _taken.TryAdd(assertion, expireTime.ToDateTimeOffset());
    }
}
