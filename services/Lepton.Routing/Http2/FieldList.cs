namespace Lepton.Routing.Http2;

/// <summary>The fields of one header or trailer block, in their order; names are in lower case.</summary>
internal sealed class FieldList
{
    private (string Name, string Value)[] _fields = new (string, string)[4];

    public int Count { get; private set; }

    public (string Name, string Value) this[int index] => _fields[index];

    /// <summary>The value of :status; 0 in trailers.</summary>
    public int Status { get; set; }

    /// <summary>No field before it has its name.</summary>
    public bool IsFirst(int index)
    {
        for (int i = 0; i < index; i++)
            if (_fields[i].Name == _fields[index].Name)
                return false;
        return true;
    }

    public void Add(string name, string value)
    {
        if (Count == _fields.Length)
            Array.Resize(ref _fields, 2 * Count);
        _fields[Count++] = (name, value);
    }

    /// <summary>The first value of that name; null when there is none.</summary>
    public string? Find(string name)
    {
        for (int i = 0; i < Count; i++)
            if (_fields[i].Name == name)
                return _fields[i].Value;
        return null;
    }
}
