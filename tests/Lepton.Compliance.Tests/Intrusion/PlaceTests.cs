using System.Net;
using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

public sealed class PlaceTests
{
    private static Place In(string country) => new(country, 0, 0);

    [Theory]
    [InlineData("10.1.2.3", "CC")]
    [InlineData("10.1.3.3", "BB")]
    [InlineData("10.2.3.3", "AA")]
    [InlineData("::ffff:10.1.2.3", "CC")]
    [InlineData("192.0.2.1", "ZZ")]
    [InlineData("2001:db8:1::1", "DD")]
    [InlineData("2001:db8:2::1", "EE")]
    [InlineData("2001:db8:2::2", "FF")]
    [InlineData("2002::", null)]
    public void OfAddress_Prefixes_LongestCounts(string address, string? country)
    {
        PlaceTable table = new(
        [
            (IPNetwork.Parse("0.0.0.0/0"), In("ZZ")), (IPNetwork.Parse("10.0.0.0/8"), In("AA")),
            (IPNetwork.Parse("10.1.0.0/16"), In("BB")), (IPNetwork.Parse("10.1.2.3/32"), In("CC")),
            (IPNetwork.Parse("2001:db8:1::/48"), In("DD")), (IPNetwork.Parse("2001:db8:2::1/128"), In("EE")),
            (IPNetwork.Parse("2001:db8::/32"), In("FF")),
        ], new Dictionary<string, Place>());

        Assert.Equal(country, table.OfAddress(IPAddress.Parse(address))?.Country);
    }

    [Fact]
    public void OfAddress_DefaultRouteOfIPv6_HoldsAll()
    {
        PlaceTable table = new([(IPNetwork.Parse("::/0"), In("ZZ"))], new Dictionary<string, Place>());

        Assert.Equal("ZZ", table.OfAddress(IPAddress.Parse("2001:db8::1"))?.Country);
        Assert.Null(table.OfAddress(IPAddress.Loopback));
    }

    // Great-circle distances between airports, as published; a sphere is within 0.6 %.
    [Theory]
    [InlineData(50.0333, 8.5706, 35.5533, 139.7811, 9_360)] // FRA - HND
    [InlineData(40.6398, -73.7789, 51.4706, -0.4619, 5_540)] // JFK - LHR
    [InlineData(-33.9461, 151.1772, -33.3930, -70.7858, 11_340)] // SYD - SCL, over the date line
    [InlineData(0, 0, 0, 180, 20_015)]
    [InlineData(48, 11, 48, 11, 0)]
    public void DistanceKm_TwoPlaces_AsPublished(double lat1, double lon1, double lat2, double lon2, double km)
    {
        Place a = new("AA", lat1, lon1), b = new("BB", lat2, lon2);

        Assert.InRange(a.DistanceKm(b), km * 0.99, (km * 1.01) + 1e-6);
        Assert.Equal(a.DistanceKm(b), b.DistanceKm(a), 6);
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    public void AddressKey_Text_IsWhatItStandsFor(string address, string text) =>
        Assert.Equal(text, AddressKey.Of(IPAddress.Parse(address)).ToString());
}
