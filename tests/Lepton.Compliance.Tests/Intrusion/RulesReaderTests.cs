using System.Text;
using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

public sealed class RulesReaderTests
{
    private static IntrusionRules Parse(string json) => RulesReader.Parse(Encoding.UTF8.GetBytes(json));

    private static string Rule(string rule, string fields) =>
        $$"""{ "version": 1, "rules": { "{{rule}}": { {{fields}} } } }""";

    private static string Places(string fields) => $$"""{ "version": 1, "places": { {{fields}} } }""";

    [Fact]
    public void Load_ShippedFile_IsTheDefaults()
    {
        IntrusionRules shipped = RulesReader.Load(Path.Combine(AppContext.BaseDirectory, "intrusion.json"));
        IntrusionRules defaults = new();

        Assert.Equal(defaults with { Places = shipped.Places }, shipped);
        Assert.Equal("SG", shipped.Places.OfRegion("ap-southeast")?.Country);
        Assert.Null(shipped.Places.OfRegion("mars-north"));
    }

    [Fact]
    public void Parse_LeftOut_IsDefault() =>
        Assert.Equal(new IntrusionRules { Version = 3 }, Parse("""{ "version": 3 } // no more""") with
        {
            Places = PlaceTable.Empty,
        });

    [Fact]
    public void Parse_EveryField_IsTaken()
    {
        IntrusionRules rules = Parse(Rule("privilege-probing",
            """
            "enabled": false, "permissions": 9, "window": "00:02:00", "severity": "low", "action": "lock",
            "lockFor": "1.00:00:00", "coolDown": "00:10:00"
            """));

        Assert.Equal(new CountRule
        {
            Name = "privilege-probing", Enabled = false, Count = 9, Window = TimeSpan.FromMinutes(2),
            Severity = AlertSeverity.Low, LockFor = TimeSpan.FromDays(1), CoolDown = TimeSpan.FromMinutes(10),
        }, rules.PrivilegeProbing);
    }

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "[]", "the file", "JSON object" },
        { "{", "the file", "takes JSON" },
        { """{ "version": 1, "version": 2 }""", "the file", "repeated" },
        { "{}", "version", "is required and takes a whole number of 1 or more" },
        { """{ "version": 0 }""", "version", "not 0" },
        { """{ "version": 1, "rule": {} }""", "rule", "is not a field; takes version, rules" },
        { """{ "version": 1, "rules": [] }""", "rules", "takes a JSON object" },
        { Rule("sprayin", ""), "rules.sprayin", "is not a field; takes principal-failures" },
        { Rule("spraying", "\"failures\": 3"), "rules.spraying.failures", "is not a field; takes principals" },
        { Rule("spraying", "\"principals\": 1"), "rules.spraying.principals", "whole number of 2 to 256, not 1" },
        { Rule("spraying", "\"principals\": 2.5"), "rules.spraying.principals", "whole number" },
        { Rule("spraying", "\"principals\": 257"), "rules.spraying.principals", "not 257" },
        { Rule("spraying", "\"window\": 60"), "rules.spraying.window", "[d.]hh:mm:ss, not 60" },
        { Rule("spraying", "\"window\": \"2.00:00:00\""), "rules.spraying.window", "00:00:01 to 1.00:00:00" },
        { Rule("spraying", "\"enabled\": \"yes\""), "rules.spraying.enabled", "takes true or false" },
        { Rule("spraying", "\"severity\": \"High\""), "rules.spraying.severity", "takes low, medium, high" },
        { Rule("spraying", "\"action\": \"lock\""), "rules.spraying.action", "takes alert, not" },
        { Rule("locked-principal", "\"action\": \"lock\""), "rules.locked-principal.action", "takes alert" },
        { Rule("principal-failures", "\"action\": \"lock\""), "rules.principal-failures.lockFor", "is required" },
        { Rule("principal-failures", "\"lockFor\": \"00:01:00\""), "rules.principal-failures.lockFor", "action lock" },
        { Rule("first-country", "\"learningPeriod\": \"-1.00:00:00\""), "rules.first-country.learningPeriod", "time" },
        { Rule("impossible-travel", "\"speedKmh\": 0"), "rules.impossible-travel.speedKmh", "1 to 100000" },
        { Rule("impossible-travel", "\"distanceKm\": null"), "rules.impossible-travel.distanceKm", "not null" },
        { """{ "version": 1, "limits": { "locks": 1 } }""", "limits.locks", "16 to 1000000" },
        { """{ "version": 1, "limits": { "lock": 16 } }""", "limits.lock", "is not a field" },
        { Places("\"prefixes\": { \"192.0.2.7/24\": {} }"), "places.prefixes.192.0.2.7/24", "host bits zero" },
        { Places("\"prefixes\": { \"example\": {} }"), "places.prefixes.example", "takes a prefix" },
        { Places("\"prefixes\": { \"192.0.2.0/24\": { \"country\": \"de\" } }"),
            "places.prefixes.192.0.2.0/24.country", "two capital letters" },
        { Places("\"regions\": { \"eu-west\": { \"country\": \"IE\", \"latitude\": 91, \"longitude\": 0 } }"),
            "places.regions.eu-west.latitude", "-90 to 90" },
        { Places("\"regions\": { \"eu-west\": { \"country\": \"IE\", \"latitude\": 9 } }"),
            "places.regions.eu-west.longitude", "is required" },
        { Places("\"regions\": { \"EU\": { \"country\": \"IE\", \"latitude\": 9, \"longitude\": 0 } }"),
            "places.regions.EU", "takes a region" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Parse_WrongField_IsNamedWithWhatItTakes(string json, string field, string takes)
    {
        IntrusionRulesException e = Assert.Throws<IntrusionRulesException>(() => Parse(json));

        Assert.Equal(field, e.Field);
        Assert.Contains(takes, e.Message, StringComparison.Ordinal);
        Assert.Contains(field, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NoFile_SaysSo() =>
        Assert.Equal("the file", Assert.Throws<IntrusionRulesException>(
            () => RulesReader.Load(Path.Combine(AppContext.BaseDirectory, "absent.json"))).Field);
}
