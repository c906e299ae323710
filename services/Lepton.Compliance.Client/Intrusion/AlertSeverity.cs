namespace Lepton.Compliance.Client.Intrusion;

/// <summary>How bad an alert is.</summary>
internal enum AlertSeverity
{
    /// <summary>Worth a look.</summary>
    Low = 1,

    /// <summary>Somebody is trying.</summary>
    Medium = 2,

    /// <summary>Somebody may be in.</summary>
    High = 3,
}
