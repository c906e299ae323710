using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Tests.Law;

/// <summary>C3: what each shipped regime says, by article; beside the cases in the regimes' own files.</summary>
public sealed class RegimeTests
{
    [Theory]
    // EU and EEA: GDPR chapter V.
    [InlineData("EU", "personal", "EU-IE", "", "", true, "eu-gdpr.eea", "art. 1(3)")]
    [InlineData("EU-FR", "special", "NO", "", "", true, "eu-gdpr.eea", "154/2018")]
    [InlineData("NO", "personal", "EU-DE", "", "", true, "eu-gdpr.eea", "154/2018")]
    [InlineData("EU", "personal", "JP", "", "", true, "eu-gdpr.adequacy-japan", "2019/419")]
    [InlineData("EU", "personal", "GB", "", "", true, "eu-gdpr.adequacy-uk", "2021/1772")]
    [InlineData("EU", "personal", "US", "", "", false, "eu-gdpr.data-privacy-framework", "2023/1795")]
    [InlineData("EU", "personal", "US", "scc impact-assessment", "", true, "eu-gdpr.data-privacy-framework", "art. 46")]
    [InlineData("EU", "personal", "US", "scc", "", false, "eu-gdpr.data-privacy-framework", "art. 46")]
    [InlineData("EU", "personal", "CN", "bcr impact-assessment", "", true, "eu-gdpr.safeguards", "C-311/18")]
    [InlineData("EU", "personal", "CA-ON", "adequate-recipient", "", true, "eu-gdpr.adequacy-canada", "2002/2/EC")]
    [InlineData("EU", "personal", "IN", "consent", "", false, "eu-gdpr.safeguards", "art. 46")]
    // United Kingdom.
    [InlineData("GB", "personal", "GB", "", "", true, "uk-gdpr.home", "chapter V")]
    [InlineData("GB", "personal", "EU-IE", "", "", true, "uk-gdpr.recognised", "sch. 21")]
    [InlineData("GB", "personal", "US", "scc impact-assessment", "", false, "uk-gdpr.data-bridge", "2023/1028")]
    [InlineData("GB", "personal", "IN", "idta impact-assessment", "", true, "uk-gdpr.safeguards", "art. 46")]
    // China: counters.
    [InlineData("CN", "personal", "CN", "", "", true, "cn-pipl.home", "art. 40")]
    [InlineData("CN", "personal", "SG", "consent impact-assessment", "cn-persons-year=99999", true, "cn-pipl.few",
        "5(4)")]
    [InlineData("CN", "personal", "SG", "consent impact-assessment", "cn-persons-year=100000", false, "cn-pipl.many",
        "art. 8")]
    [InlineData("CN", "personal", "SG", "consent impact-assessment scc", "cn-persons-year=100000", true,
        "cn-pipl.many", "art. 8")]
    [InlineData("CN", "personal", "SG", "consent impact-assessment scc", "cn-persons-year=1000000", false,
        "cn-pipl.very-many", "art. 7")]
    [InlineData("CN", "personal", "SG", "consent impact-assessment scc", "", false, "cn-pipl.very-many", "art. 7")]
    [InlineData("CN", "health", "CN", "", "", true, "cn-pipl.home-sensitive", "art. 40")]
    [InlineData("CN", "genetic", "SG", "consent impact-assessment scc", "cn-sensitive-persons-year=9999", true,
        "cn-pipl.sensitive", "art. 28")]
    [InlineData("CN", "important", "SG", "consent impact-assessment scc", "", false, "cn-pipl.important", "art. 31")]
    // Russia: first collection at home (the tests of its purposes are below).
    [InlineData("RU", "personal", "RU", "", "", true, "ru-152fz.home", "art. 18(5)")]
    [InlineData("RU", "personal", "EU", "notice home-copy consent", "", true, "ru-152fz.notified", "art. 12")]
    [InlineData("RU", "personal", "EU", "notice consent", "", false, "ru-152fz.notified", "art. 12")]
    // India: rule 7 until the negative list; payments.
    [InlineData("IN", "personal", "SG", "contract", "", true, "in-dpdp.same-level", "rule 7")]
    [InlineData("IN", "payment", "IN", "", "", true, "in-dpdp.home", "s. 16")]
    [InlineData("IN", "payment", "SG", "contract", "", false, "in-rbi-payments.processing", "26 June 2019")]
    [InlineData("IN", "payment", "SG", "contract return-and-delete", "", true, "in-dpdp.same-level", "rule 7")]
    // Saudi Arabia.
    [InlineData("SA", "personal", "EU", "scc", "", true, "sa-pdpl.safeguards", "art. 29")]
    [InlineData("SA", "health", "EU", "scc", "", false, "sa-pdpl.sensitive", "art. 7")]
    // United States: thresholds of 28 CFR 202, HIPAA.
    [InlineData("US", "genetic", "CN", "security-requirements", "us-omic-persons=100", false, "us-bulk-data.omic",
        "202.303")]
    [InlineData("US", "biometric", "HK", "", "us-biometric-persons=999", true, "us-bulk-data.biometric-few",
        "202.205(b)")]
    [InlineData("US", "location", "RU", "", "us-location-devices=1000", false, "us-bulk-data.location", "202.401")]
    [InlineData("US", "payment", "IR", "security-requirements", "us-financial-persons=10000", true,
        "us-bulk-data.financial", "202.401")]
    [InlineData("US", "identifiers", "CU", "", "us-identifier-persons=99999", true, "us-bulk-data.identifiers-few",
        "202.205(f)")]
    [InlineData("US", "government", "VE", "", "", false, "us-bulk-data.government", "202.222")]
    [InlineData("US", "health", "US", "", "", false, "us-hipaa.associate", "164.502(e)")]
    [InlineData("US", "health", "US", "baa", "", true, "us-bulk-data.elsewhere", "part 202")]
    [InlineData("US", "health", "EU", "baa", "", false, "us-hipaa.offshore", "164.308")]
    // The others.
    [InlineData("BR", "personal", "US", "", "", false, "br-lgpd.safeguards", "art. 33")]
    [InlineData("BR", "personal", "US", "scc", "", true, "br-lgpd.safeguards", "19/2024")]
    [InlineData("KR", "personal", "EU-DE", "", "", true, "kr-pipa.equivalent", "28-8(1)5")]
    [InlineData("KR", "personal", "US", "consent", "", false, "kr-pipa.conditions", "28-8")]
    [InlineData("JP", "personal", "GB", "", "", true, "jp-appi.equivalent", "art. 28(1)")]
    [InlineData("JP", "personal", "US", "", "", false, "jp-appi.conditions", "art. 28(1)")]
    [InlineData("SG", "personal", "EU", "contract", "", true, "sg-pdpa.comparable", "reg. 10")]
    [InlineData("AU", "health-record", "SG", "contract consent", "", false, "au-privacy.health-records", "s. 77")]
    [InlineData("AU", "health", "SG", "contract", "", true, "au-privacy.reasonable-steps", "APP 8.1")]
    [InlineData("CA", "personal", "CA-QC", "", "", true, "ca-pipeda.home", "4.1")]
    [InlineData("CA-QC", "personal", "CA-ON", "", "", false, "ca-qc-law25.assessed", "s. 17")]
    [InlineData("CA-QC", "personal", "CA-QC", "", "", true, "ca-pipeda.home", "4.1")]
    [InlineData("CH", "personal", "EU-DE", "", "", true, "ch-fadp.adequate", "annex 1")]
    [InlineData("CH", "personal", "SG", "scc", "", false, "ch-fadp.safeguards", "art. 16(2)")]
    // Nobody's, and nobody's law.
    [InlineData("ZZ", "public", "CN", "", "", true, "not-personal.anywhere", "public")]
    [InlineData("MX", "personal", "MX", "scc bcr consent", "", false, "default", "no regime")]
    [InlineData("EU", "important", "EU", "", "", false, "default", "no regime")]
    public void Inference_ByRegime_IsWhatTheArticleSays(
        string subject, string category, string destination, string safeguards, string counts, bool allowed,
        string rule, string source)
    {
        var answer = Shipped.Ask(subject, category, Purpose.Inference, destination, safeguards, counts);

        Assert.Equal((allowed, rule), (answer.IsAllowed, answer.RuleId));
        Assert.Contains(source, answer.Source, StringComparison.Ordinal);
        Assert.Equal(Shipped.Policy.Version, answer.PolicyVersion);
    }

    [Theory]
    [InlineData("RU", "personal", Purpose.Collection, "EU", false, "ru-152fz.first-recording")]
    [InlineData("RU", "personal", Purpose.Storage, "EU", false, "ru-152fz.first-recording")]
    [InlineData("RU", "personal", Purpose.Replication, "EU", true, "ru-152fz.notified")]
    [InlineData("IN", "payment", Purpose.Storage, "SG", false, "in-rbi-payments.elsewhere")]
    [InlineData("IN", "payment", Purpose.Backup, "SG", false, "in-rbi-payments.elsewhere")]
    [InlineData("EU", "personal", Purpose.Support, "SG", true, "eu-gdpr.consent-for-support")]
    public void ByPurpose_EverySafeguard_IsWhatTheArticleSays(
        string subject, string category, Purpose purpose, string destination, bool allowed, string rule)
    {
        var answer = Shipped.Ask(subject, category, purpose, destination, string.Join(' ', Vocabulary.Safeguards));

        Assert.Equal(allowed, answer.IsAllowed);
        Assert.Contains(answer.Findings, f => f.RuleId == rule);
    }

    [Theory]
    [InlineData("EU", "NO", "", "2018-06-01", false)] // the EEA took the GDPR over on 20 July 2018
    [InlineData("EU", "NO", "", "2018-07-20", true)]
    [InlineData("EU", "US", "adequate-recipient", "2023-07-09", false)]
    [InlineData("EU", "US", "adequate-recipient", "2023-07-10", true)]
    [InlineData("EU", "GB", "", "2031-12-26", true)]
    [InlineData("EU", "GB", "", "2031-12-27", false)]
    [InlineData("IN", "SG", "", "2027-05-12", false)]
    [InlineData("IN", "SG", "", "2027-05-13", true)]
    [InlineData("US", "RU", "", "2025-04-07", true)]
    [InlineData("US", "RU", "", "2025-04-08", false)]
    public void ByDate_PersonalData_ChangesOnTheDay(
        string subject, string destination, string safeguards, string date, bool allowed) =>
        Assert.Equal(allowed, Shipped.Ask(
            subject, "personal", Purpose.Inference, destination, safeguards, "", date).IsAllowed);

    [Fact]
    public void EachRegime_HasSourceDateReviewAndCasesOfBothKinds()
    {
        foreach (var regime in Shipped.Policy.Law!.Regimes)
        {
            Assert.NotEmpty(regime.Rules);
            Assert.NotEmpty(regime.Tests);
            Assert.All(regime.Rules, r => Assert.NotEmpty(r.Source));
            if (regime.Id != "not-personal")
                Assert.Equal(2, regime.Tests.Select(t => t.Effect).Distinct().Count());
        }
        Assert.Equal(18, Shipped.Policy.Law.Regimes.Count);
        Assert.All(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "regimes"), "*.yaml"), file =>
        {
            Assert.Contains("lawyer's review", File.ReadAllText(file), StringComparison.Ordinal);
            Assert.Contains("\nreview: ", File.ReadAllText(file), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Shipped_Checked_IsGood()
    {
        var report = PolicyCheck.Run(Shipped.Bundle, Shipped.World, Shipped.Time);

        Assert.Equal([], report.Problems.Select(p => $"{p.Stage} {p.Name}: {p.Message}"));
        Assert.True(report.Tests > 75, $"{report.Tests} cases");
        Assert.True(report.Invariants >= 12, $"{report.Invariants} invariants");
        Assert.True(report.States > 10_000, $"{report.States} states");
    }

    [Fact]
    public void Schema_WordsOfTheVocabulary_AreTheSame()
    {
        var defs = Shipped.Schema().GetProperty("$defs");

        Assert.Equal([.. Vocabulary.CategoryNames.Prepend("*")], Words("category"));
        Assert.Equal([.. Vocabulary.PurposeNames.Prepend("*")], Words("purpose"));
        Assert.Equal([.. Vocabulary.Safeguards], Words("safeguard"));

        string[] Words(string name) =>
            [.. defs.GetProperty(name).GetProperty("enum").EnumerateArray().Select(w => w.GetString() ?? "")];
    }
}
