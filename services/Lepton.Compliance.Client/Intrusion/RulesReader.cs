using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Reads a rules file and checks every field of it.</summary>
internal static partial class RulesReader
{
    /// <summary>Prefixes that a file may name.</summary>
    public const int PrefixesMax = 100_000;

    private const int RegionsMax = RegionSet.Capacity;
    private const int FileBytesMax = 16 << 20;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Day = TimeSpan.FromDays(1);

    private static readonly JsonDocumentOptions Json = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false, // a threshold given twice must not silently be the last one
        MaxDepth = 8,
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="IntrusionRulesException">It is absent or not usable; names the field.</exception>
    public static IntrusionRules Load(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, Length: > FileBytesMax }
                ? throw new IntrusionRulesException("the file", $"takes at most {FileBytesMax} bytes")
                : Parse(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IntrusionRulesException("the file", $"takes a readable JSON file: {e.Message}");
        }
    }

    /// <summary>Reads JSON, UTF-8; comments and trailing commas are allowed.</summary>
    /// <exception cref="IntrusionRulesException">It is not usable; names the field.</exception>
    public static IntrusionRules Parse(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = ParseJson(json);
        RuleFields root = new(document.RootElement, "");
        IntrusionRules rules = new() { Version = root.Number("version", 1, long.MaxValue, null) };
        if (root.Object("rules") is { } section)
            rules = ReadRules(section, rules);
        if (root.Object("limits") is { } limits)
            rules = rules with { Limits = ReadLimits(limits, rules.Limits) };
        if (root.Object("places") is { } places)
            rules = rules with { Places = ReadPlaces(places) };
        root.Complete();
        return rules;
    }

    private static JsonDocument ParseJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, Json);
        }
        catch (JsonException e)
        {
            throw new IntrusionRulesException("the file", $"takes JSON without repeated names: {e.Message}");
        }
    }

    private static IntrusionRules ReadRules(RuleFields section, IntrusionRules d)
    {
        IntrusionRules read = d with
        {
            PrincipalFailures = Read(section, d.PrincipalFailures, true, (f, r) => Counted(f, r, "failures")),
            AddressFailures = Read(section, d.AddressFailures, false, (f, r) => Counted(f, r, "failures")),
            Spraying = Read(section, d.Spraying, false, (f, r) => Counted(f, r, "principals")),
            FirstCountry = Read(section, d.FirstCountry, true, (f, r) => r with
            {
                LearningPeriod = f.Duration("learningPeriod", TimeSpan.Zero, 365 * Day, r.LearningPeriod),
                RegionFallback = f.Flag("regionFallback", r.RegionFallback),
                Services = f.Flag("services", r.Services),
            }),
            ImpossibleTravel = Read(section, d.ImpossibleTravel, true, (f, r) => r with
            {
                SpeedKmh = (int)f.Number("speedKmh", 1, 100_000, r.SpeedKmh),
                DistanceKm = (int)f.Number("distanceKm", 1, 20_000, r.DistanceKm),
                RegionFallback = f.Flag("regionFallback", r.RegionFallback),
                Services = f.Flag("services", r.Services),
            }),
            PrivilegeProbing = Read(section, d.PrivilegeProbing, true, (f, r) => Counted(f, r, "permissions")),
            TokenOnTwoCertificates = Read(section, d.TokenOnTwoCertificates, true, (f, r) => r with
            {
                Window = f.Duration("window", Second, 7 * Day, r.Window),
            }),
            // A lock would be made longer by being run into: a lock never outlives its time.
            LockedPrincipal = Read(section, d.LockedPrincipal, false, (_, r) => r),
        };
        section.Complete();
        return read;
    }

    private static TRule Read<TRule>(RuleFields section, TRule rule, bool mayLock, Func<RuleFields, TRule, TRule> own)
        where TRule : Rule
    {
        if (section.Object(rule.Name) is not { } fields)
            return rule;
        TRule read = own(fields, rule);
        bool locks = fields.Word("action", rule.LockFor > TimeSpan.Zero ? "lock" : "alert",
            mayLock ? ["alert", "lock"] : ["alert"]) == "lock";
        if (!locks && fields.Has("lockFor"))
            throw new IntrusionRulesException(fields.PathOf("lockFor"), "goes with action lock only");
        read = read with
        {
            Enabled = fields.Flag("enabled", rule.Enabled),
            Severity = Enum.Parse<AlertSeverity>(
                fields.Word("severity", rule.Severity.ToString().ToLowerInvariant(), "low", "medium", "high"), true),
            CoolDown = fields.Duration("coolDown", Second, 7 * Day, rule.CoolDown),
            LockFor = locks
                ? fields.Duration("lockFor", Second, Day, rule.LockFor > TimeSpan.Zero ? rule.LockFor : null)
                : TimeSpan.Zero,
        };
        fields.Complete();
        return read;
    }

    private static CountRule Counted(RuleFields fields, CountRule rule, string what) => rule with
    {
        Count = (int)fields.Number(what, 2, IntrusionRules.CountMax, rule.Count),
        Window = fields.Duration("window", Second, Day, rule.Window),
    };

    private static IntrusionLimits ReadLimits(RuleFields fields, IntrusionLimits d)
    {
        int Limit(string name, int otherwise) => (int)fields.Number(name, 16, 1_000_000, otherwise);
        IntrusionLimits read = new()
        {
            Principals = Limit("principals", d.Principals),
            ClaimedNames = Limit("claimedNames", d.ClaimedNames),
            Addresses = Limit("addresses", d.Addresses),
            Tokens = Limit("tokens", d.Tokens),
            Alerts = (int)fields.Number("alerts", 16, 65_536, d.Alerts),
            Locks = Limit("locks", d.Locks),
            AlertsPerMinute = (int)fields.Number("alertsPerMinute", 1, 10_000, d.AlertsPerMinute),
        };
        fields.Complete();
        return read;
    }

    private static PlaceTable ReadPlaces(RuleFields fields)
    {
        List<(IPNetwork, Place)> prefixes = [];
        foreach ((string name, string path, RuleFields place) in fields.Object("prefixes")?.Objects() ?? [])
        {
            if (!IPNetwork.TryParse(name, out IPNetwork prefix) || prefix.BaseAddress.IsIPv4MappedToIPv6
                || IPAddress.Parse(name[..name.IndexOf('/', StringComparison.Ordinal)]) is var written
                    && !written.Equals(prefix.BaseAddress))
                throw new IntrusionRulesException(path,
                    "takes a prefix as a name, host bits zero, e.g. 203.0.113.0/24 or 2001:db8::/32");
            prefixes.Add((prefix, ReadPlace(place)));
        }
        if (prefixes.Count > PrefixesMax)
            throw new IntrusionRulesException(fields.PathOf("prefixes"),
                $"takes at most {PrefixesMax} prefixes, has {prefixes.Count}");
        if (prefixes.GroupBy(p => p.Item1).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new IntrusionRulesException(fields.PathOf("prefixes"), $"names {twice.Key} twice");

        Dictionary<string, Place> regions = [];
        foreach ((string name, string path, RuleFields place) in fields.Object("regions")?.Objects() ?? [])
            regions.Add(RegionName().IsMatch(name)
                ? name
                : throw new IntrusionRulesException(path, $"takes a region as a name ({RegionName()})"),
                ReadPlace(place));
        if (regions.Count > RegionsMax)
            throw new IntrusionRulesException(fields.PathOf("regions"),
                $"takes at most {RegionsMax} regions, has {regions.Count}");
        fields.Complete();
        return new PlaceTable(prefixes, regions);
    }

    private static Place ReadPlace(RuleFields fields)
    {
        Place place = new(fields.Country("country"), fields.Degrees("latitude", 90), fields.Degrees("longitude", 180));
        fields.Complete();
        return place;
    }

    [GeneratedRegex(@"^[a-z][a-z0-9-]{1,30}\z")]
    private static partial Regex RegionName();
}
