namespace Lepton.Compliance.Client.Intrusion;

/// <summary>A place on earth.</summary>
/// <param name="Country">ISO 3166-1, two capital letters.</param>
/// <param name="Latitude">Degrees north, -90 to 90.</param>
/// <param name="Longitude">Degrees east, -180 to 180.</param>
internal sealed record Place(string Country, double Latitude, double Longitude)
{
    // Mean radius, IUGG: a sphere is within 0.6 % of the ellipsoid.
    private const double EarthRadiusKm = 6371.0088;

    /// <summary>Along the great circle, in km (haversine formula).</summary>
    public double DistanceKm(Place other)
    {
        double north = double.DegreesToRadians(other.Latitude - Latitude);
        double east = double.DegreesToRadians(other.Longitude - Longitude);
        double h = Math.Pow(Math.Sin(north / 2), 2)
            + (Math.Cos(double.DegreesToRadians(Latitude)) * Math.Cos(double.DegreesToRadians(other.Latitude))
                * Math.Pow(Math.Sin(east / 2), 2));
        return 2 * EarthRadiusKm * Math.Asin(Math.Min(1, Math.Sqrt(h)));
    }
}
