namespace Lepton.Compliance.Client.Law;

/// <summary>What data is moved for; the table's third dimension.</summary>
public enum Purpose
{
    /// <summary>A model reads it, and it is forgotten.</summary>
    Inference = 0,

    /// <summary>A record's home: its first copy at rest.</summary>
    Storage = 1,

    /// <summary>Further copies that serve.</summary>
    Replication = 2,

    /// <summary>Copies that only restore.</summary>
    Backup = 3,

    /// <summary>The first recording, from the person himself.</summary>
    Collection = 4,

    /// <summary>Evidence: audit and decision logs.</summary>
    Audit = 5,

    /// <summary>A person looks at it to help.</summary>
    Support = 6,
}
