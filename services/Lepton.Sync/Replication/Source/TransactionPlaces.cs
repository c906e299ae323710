using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Source;

/// <summary>Where the last transactions' commits are: whoever asks may come later than the log did.</summary>
internal sealed class TransactionPlaces(int max)
{
    private readonly Dictionary<uint, LogPosition> _places = [];
    private readonly Queue<uint> _order = new();

    public LogPosition? Find(uint transactionId) =>
        _places.TryGetValue(transactionId, out var position) ? position : null;

    public void Add(uint transactionId, LogPosition position)
    {
        if (!_places.TryAdd(transactionId, position))
        {
            _places[transactionId] = position;
            return;
        }
        _order.Enqueue(transactionId);
        if (_order.Count > max)
            _places.Remove(_order.Dequeue());
    }

    public void Clear()
    {
        _places.Clear();
        _order.Clear();
    }
}
