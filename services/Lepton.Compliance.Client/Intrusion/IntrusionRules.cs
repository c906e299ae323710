namespace Lepton.Compliance.Client.Intrusion;

/// <summary>What every rule has.</summary>
internal abstract record Rule
{
    /// <summary>Its name in the file, in metrics and in alerts.</summary>
    public required string Name { get; init; }

    public bool Enabled { get; init; } = true;

    public AlertSeverity Severity { get; init; } = AlertSeverity.Medium;

    /// <summary>For how long the principal is locked; zero: alert only.</summary>
    public TimeSpan LockFor { get; init; }

    /// <summary>A pause this long ends an attack: what comes later is another alert.</summary>
    public TimeSpan CoolDown { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>So many of something within a window.</summary>
internal sealed record CountRule : Rule
{
    /// <summary>Events, or different names: 2 to <see cref="IntrusionRules.CountMax"/>.</summary>
    public required int Count { get; init; }

    public required TimeSpan Window { get; init; }
}

/// <summary>A country that is new for a principal.</summary>
internal sealed record FirstCountryRule : Rule
{
    /// <summary>From a principal's first success on; countries seen in it are taken as usual.</summary>
    public TimeSpan LearningPeriod { get; init; } = TimeSpan.FromDays(7);

    /// <summary>A principal whose addresses no prefix ever held is where its region is.</summary>
    public bool RegionFallback { get; init; } = true;

    /// <summary>Programs are looked at too.</summary>
    public bool Services { get; init; } = true;
}

/// <summary>Two places sooner after each other than anybody travels.</summary>
internal sealed record TravelRule : Rule
{
    /// <summary>As fast as anybody travels: an airliner's 900 km/h and a tail wind.</summary>
    public int SpeedKmh { get; init; } = 1_000;

    /// <summary>Nearer places are not told apart: tables of addresses are wrong by a few hundred km.</summary>
    public int DistanceKm { get; init; } = 500;

    /// <summary>
    /// As in <see cref="FirstCountryRule"/>. Off: a client that goes to another region's gateway when its own fails has
    /// not travelled.
    /// </summary>
    public bool RegionFallback { get; init; }

    /// <summary>Programs are looked at too. Off: one of them may run in several places.</summary>
    public bool Services { get; init; }
}

/// <summary>One token, two certificates.</summary>
internal sealed record TokenRule : Rule
{
    /// <summary>For how long a token's certificate is remembered after it was last seen.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>Credentials of a locked principal in use.</summary>
internal sealed record LockedRule : Rule;

/// <summary>How much is kept.</summary>
internal sealed record IntrusionLimits
{
    /// <summary>Principals that once proved who they are.</summary>
    public int Principals { get; init; } = 100_000;

    /// <summary>Names that somebody failed to be and that never succeeded.</summary>
    public int ClaimedNames { get; init; } = 20_000;

    /// <summary>Addresses that failures came from.</summary>
    public int Addresses { get; init; } = 20_000;

    /// <summary>Tokens that came with a certificate.</summary>
    public int Tokens { get; init; } = 100_000;

    /// <summary>Alerts under way, and alerts kept for readers: each.</summary>
    public int Alerts { get; init; } = 4_096;

    /// <summary>Locks at the same time.</summary>
    public int Locks { get; init; } = 10_000;

    /// <summary>New alerts of one rule, once for principals that are known and once for the rest.</summary>
    public int AlertsPerMinute { get; init; } = 60;
}

/// <summary>The rules as data. What the file leaves out is as here.</summary>
internal sealed record IntrusionRules
{
    /// <summary>Events or names that a rule may count: as many are kept for each subject.</summary>
    public const int CountMax = 256;

    public long Version { get; init; } = 1;

    public CountRule PrincipalFailures { get; init; } = new()
    {
        Name = "principal-failures", Count = 10, Window = TimeSpan.FromMinutes(10),
    };

    public CountRule AddressFailures { get; init; } = new()
    {
        Name = "address-failures", Count = 60, Window = TimeSpan.FromMinutes(10),
    };

    public CountRule Spraying { get; init; } = new()
    {
        Name = "spraying", Count = 12, Window = TimeSpan.FromMinutes(30), Severity = AlertSeverity.High,
    };

    public FirstCountryRule FirstCountry { get; init; } = new()
    {
        Name = "first-country", Severity = AlertSeverity.Low,
    };

    public TravelRule ImpossibleTravel { get; init; } = new() { Name = "impossible-travel" };

    public CountRule PrivilegeProbing { get; init; } = new()
    {
        Name = "privilege-probing", Count = 6, Window = TimeSpan.FromMinutes(5), Severity = AlertSeverity.High,
        LockFor = TimeSpan.FromMinutes(15),
    };

    public TokenRule TokenOnTwoCertificates { get; init; } = new()
    {
        Name = "token-on-two-certificates", Severity = AlertSeverity.High, LockFor = TimeSpan.FromMinutes(15),
    };

    public LockedRule LockedPrincipal { get; init; } = new() { Name = "locked-principal" };

    public IntrusionLimits Limits { get; init; } = new();

    public PlaceTable Places { get; init; } = PlaceTable.Empty;

    /// <summary>All rules, by the order of the file.</summary>
    public IReadOnlyList<Rule> All =>
    [
        PrincipalFailures, AddressFailures, Spraying, FirstCountry, ImpossibleTravel, PrivilegeProbing,
        TokenOnTwoCertificates, LockedPrincipal,
    ];
}
