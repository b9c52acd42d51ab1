namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Every reader of files that Convoy has.</summary>
internal static class AllSubjects
{
    public static IReadOnlyList<Subject> Make() =>
    [
        .. DataSubjects.Make(), .. PictureSubjects.Make(), .. ScoreSubjects.Make(), .. ReportSubjects.Make(), .. SettingsSubjects.Make(), .. CheckpointSubjects.Make(),
        .. EventSubjects.Make(), .. DiagnosisSubjects.Make(), .. StoreSubjects.Make(), .. PeerSubjects.Make(), .. MpiSubjects.Make(), .. MachineSubjects.Make(),
    ];
}
