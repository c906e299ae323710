namespace Lepton.Compliance.Client.Intrusion;

/// <summary>What is remembered of a principal that once proved who it is.</summary>
internal sealed class PrincipalState(DateTimeOffset firstTime)
{
    // Who goes to more countries is told again about those longest ago.
    private const int CountriesMax = 16;

    private readonly List<string> _countries = new(1); // by last visit

    /// <summary>When it was first seen: learning starts.</summary>
    public DateTimeOffset FirstTime { get; } = firstTime;

    public RecentTimes? Failures { get; set; }

    public RecentNames? Denied { get; set; }

    /// <summary>An address once told where it was; until then its regions do, where a rule takes them.</summary>
    public bool IsPlacedExactly { get; private set; }

    public Place? LastPlace { get; set; }

    public DateTimeOffset LastPlaceTime { get; set; }

    /// <summary>It is a program: so said an event that proved who it is.</summary>
    public bool IsService { get; set; }

    /// <summary>From now on only addresses tell where it is.</summary>
    public void PlaceExactly()
    {
        if (!IsPlacedExactly)
            LastPlace = null;
        IsPlacedExactly = true;
    }

    /// <summary>Notes a country; true when it is another than all before. The very first tells nothing.</summary>
    public bool Visit(string country)
    {
        if (_countries.Count == 0)
        {
            _countries.Add(country);
            return false;
        }
        if (_countries[^1] == country)
            return false;
        bool known = _countries.Remove(country);
        if (!known && _countries.Count == CountriesMax)
            _countries.RemoveAt(0);
        _countries.Add(country);
        return !known;
    }
}

/// <summary>What is remembered of an address that failures came from.</summary>
internal sealed class AddressState(int failuresMax, int principalsMax)
{
    public RecentTimes Failures { get; } = new(failuresMax);

    /// <summary>Who failed from there and did not get in since.</summary>
    public RecentNames Principals { get; } = new(principalsMax);
}

/// <summary>
/// The certificate that a token came with. A client that renews its certificate shows the new one from where it was,
/// and the old one never again: that is no theft.
/// </summary>
internal sealed class TokenState(string thumbprint, AddressKey? address, DateTimeOffset time)
{
    private string _current = thumbprint;
    private AddressKey? _address = address;
    private string? _former;
    private bool _stolen;

    public DateTimeOffset LastTime { get; private set; } = time;

    /// <summary>Notes a use; true when two hold the token.</summary>
    public bool IsTwo(string thumbprint, AddressKey? address, DateTimeOffset time)
    {
        if (time > LastTime)
            LastTime = time;
        if (thumbprint == _current)
        {
            _address = address;
            return false;
        }
        _stolen |= thumbprint == _former || address is null || address != _address;
        (_former, _current, _address) = (_current, thumbprint, address);
        return _stolen;
    }
}
